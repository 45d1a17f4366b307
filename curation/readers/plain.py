"""Plain text and code: one document a file, the whole of it, line ends and all, with the file's place as a column."""

from __future__ import annotations

from collections.abc import Iterator

from curation.readers.columns import without_columns
from curation.readers.compression import StreamFault
from curation.readers.documents import Batch, Rows, Wanted
from curation.readers.formats import language_of
from curation.readers.lines import text_blocks

PLACE, LANGUAGE = "path", "programming_language"


def read_plain(
    url: str, wanted: Wanted, *, compression: str | None = None, place: str = "", code: bool = False
) -> Iterator[Batch]:
    """The one document of a file, row 0; an empty file has none. A file that breaks off has none either: it is cut.

    place: where the file stands in its source, the column ``path``; of code what its ending says is ``programming_language``."""
    rows = Rows(wanted)
    missing = [name for name in wanted.required if name != wanted.text]
    if missing:
        yield rows.take(without_columns(missing, []) + " (plain text has no columns)")
        return
    parts: list[bytes] = []
    size = 0
    fault: StreamFault | None = None
    try:
        for block in text_blocks(url, "txt", compression):
            size += len(block)
            if size > wanted.max_row_bytes:
                parts.clear()
                rows.bad(0, f"longer than {wanted.max_row_bytes} bytes")
                break
            parts.append(block)
    except StreamFault as stopped:
        fault = stopped
    if parts and (fault is None or fault.whole):
        try:
            row = {PLACE: place, **({LANGUAGE: language_of(place)} if code else {})} if place else {}
            rows.add(0, {**row, wanted.text: b"".join(parts).decode("utf-8")}, size)
        except UnicodeDecodeError:
            rows.bad(0, "invalid UTF-8")
    yield rows.take(fault.message if fault else None)
