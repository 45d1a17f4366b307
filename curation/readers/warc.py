"""WARC files: the text of each HTML page of a crawl, with its URL, date and language; other records are no rows.

Read by FastWARC and extracted by Resiliparse (Bevendorff et al. 2018), whose language guess is the column ``language`` (extra ``web``). A row is a
response (or resource) record that says it is HTML, in the file's order; one whose HTML holds no text is an empty document.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from curation import storage
from curation.readers.documents import Batch, Rows, Wanted

HTML = ("text/html", "application/xhtml+xml")
COLUMNS = ("text", "url", "date", "language")


def read_warc(url: str, wanted: Wanted) -> Iterator[Batch]:
    """The HTML pages of a file, plain or gzipped a record. A file that breaks off keeps what stood before, and says so."""
    rows = Rows(wanted)
    missing = [name for name in wanted.required if name not in COLUMNS]
    if missing:
        yield rows.take(f"no column `{missing[0]}`: a WARC file gives {', '.join(COLUMNS)}; leave `columns` out")
        return
    try:
        import fastwarc.warc
    except ImportError:
        yield rows.take("a WARC file; install what reads it: pip install 'syllabus[web]'")
        return
    rows.saw(COLUMNS)
    number = 0
    fault = None
    with storage.open_read(url) as stream:
        kinds = (fastwarc.warc.WarcRecordType.response, fastwarc.warc.WarcRecordType.resource)
        try:
            any_record = False
            for record in fastwarc.warc.ArchiveIterator(
                stream, record_types=fastwarc.warc.WarcRecordType.any_type, parse_http=True
            ):
                any_record = True
                if record.record_type not in kinds or (record.http_content_type or "").lower() not in HTML:
                    continue
                _page(rows, number, record, wanted)
                number += 1
                if rows.full:
                    yield rows.take()
            if not any_record and storage.size(url):
                fault = "holds no WARC record"
        except (KeyboardInterrupt, SystemExit, GeneratorExit):
            raise
        except (
            BaseException
        ) as error:  # the parser is Rust: where it gives up on a file it panics, which is no Exception
            fault = f"breaks off as a WARC file after {number} pages ({type(error).__name__})"
    yield rows.take(fault)


def _page(rows: Rows, number: int, record: Any, wanted: Wanted) -> None:
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.encoding import bytes_to_str, detect_encoding
    from resiliparse.parse.lang import detect_fast

    data = record.reader.read(wanted.max_row_bytes + 1)
    if len(data) > wanted.max_row_bytes:
        rows.bad(number, f"longer than {wanted.max_row_bytes} bytes", len(data))
        return
    try:
        html = bytes_to_str(data, record.http_charset or detect_encoding(data) or "utf-8")
        text = extract_plain_text(html, main_content=True)
    except (ValueError, LookupError, RuntimeError) as error:
        rows.bad(number, f"its HTML cannot be extracted ({type(error).__name__})", len(data))
        return
    language, _ = detect_fast(text) if text else ("unknown", 0)
    date = record.record_date
    page = {
        wanted.text: text,
        "url": record.headers.get("WARC-Target-URI"),
        "date": date.isoformat() if date is not None else None,
        "language": None if language == "unknown" else language,
    }
    rows.add(number, page, len(data))
