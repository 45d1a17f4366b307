"""Files to batches of documents, by format. Bad rows and files are reported, never raised: the sound rest goes on."""

from __future__ import annotations

from collections.abc import Iterator

from curation.allowed_roots import in_words
from curation.readers.delimited import read_delimited
from curation.readers.documents import Batch, Rows, Wanted
from curation.readers.jsonl import read_jsonl
from curation.readers.parquet import read_parquet
from curation.readers.plain import read_plain
from curation.readers.records import RecordColumns
from curation.readers.values import KINDS
from curation.readers.warc import read_warc
from schemas.sources import ROLES, Source, names_of

__all__ = ["KINDS", "Batch", "Wanted", "read", "wanted_of"]


def wanted_of(source: Source, extra: dict[str, str], batch_bytes: int) -> Wanted:
    """What to read of a source's files; extra: input columns that tags read, by dotted name, and their kind."""
    columns = source.columns
    prompts, texts = names_of(source.prompt_column), names_of(columns.text)
    required = columns.required(source.kind)
    named = {part: name for part, name in columns.of_kind(source.kind).items() if part not in ("id", "url", "date")}
    return Wanted(
        text=required[0] if source.has_turns else texts[0],
        more_texts=() if source.has_turns else texts[1:],
        more_prompts=prompts[1:],
        join=columns.join,
        record=RecordColumns(source.kind, named, {**ROLES, **source.roles}) if source.has_turns else None,
        id=columns.id,
        url=columns.url,
        date=columns.date,
        records=source.records,
        prompt=prompts[0] if prompts else None,
        required=(*required, *prompts),
        extra=extra,
        batch_bytes=batch_bytes,
    )


def read(
    url: str,
    wanted: Wanted,
    *,
    format: str,
    compression: str | None = None,
    start: int = 0,
    stop: int | None = None,
    first_row: int = 0,
    place: str = "",
) -> Iterator[Batch]:
    """The documents of a file, or of its range [start, stop): bytes of JSON Lines, row groups of Parquet. place: where it stands in its
    source, for files that are one document each."""
    try:
        if format == "parquet":
            yield from read_parquet(url, wanted, start=start, stop=stop, first_row=first_row)
        elif format in ("jsonl", "json"):
            yield from read_jsonl(
                url, wanted, format=format, compression=compression, start=start, stop=stop, first_row=first_row
            )
        elif format in ("csv", "tsv"):
            yield from read_delimited(url, wanted, format=format, compression=compression)
        elif format == "warc":
            yield from read_warc(url, wanted)
        else:
            yield from read_plain(url, wanted, compression=compression, place=place, code=format == "code")
    except (PermissionError, IsADirectoryError) as error:
        yield Rows(wanted).take(f"cannot be opened: {in_words(error)}")
