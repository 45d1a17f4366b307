"""A look into files that nobody has described yet: what columns they have, what these hold, which is the text.

Little is read: the head of a file, of Parquet its footer and first rows, and of many files of one folder and kind only some.
"""

from __future__ import annotations

import csv
import datetime
import io
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from curation import storage
from curation.readers.columns import TEXTS, holds, printable
from curation.readers.compression import StreamFault
from curation.readers.documents import Wanted
from curation.readers.formats import by_name
from curation.readers.json_values import records
from curation.readers.lines import text_blocks
from curation.readers.warc import read_warc
from schemas.sources import Kind as RecordKind

ROWS = 100
"""Looked at, of a file."""
HEAD_BYTES = 256_000
"""Decompressed bytes of a file that are looked at; of a whole look at most BUDGET."""
BUDGET = 48_000_000
FILES_A_KIND = 5
"""Files of one folder and ending that are looked into; the others are taken to be alike."""
EXAMPLES, EXAMPLE_CHARS = 20, 500
"""Values of a column that are kept of a file, and how much of each."""
PROMPTS = ("prompt", "instruction", "question", "input", "query")
RESPONSES = ("response", "output", "answer", "completion", "chosen", "target")
TRUTH = "ground_truth"
VERIFIERS = ("verifier", "dataset")
MESSAGES = ("messages", "conversations", "conversation", "turns")
NAMES = {
    "url": ("url", "uri", "link", "source_url", "warc-target-uri"),
    "date": ("date", "created", "created_at", "timestamp", "published", "added", "time"),
    "id": ("id", "doc_id", "uuid", "_id", "key", "identifier"),
}


@dataclass
class Column:
    """What a column holds in the rows looked at: the kind of its first value, some values, and how much text."""

    name: str
    kind: str = "null"
    examples: list[str] = field(default_factory=list)
    characters: int = 0
    filled: int = 0
    strings: bool = True


@dataclass
class Kind:
    """Files of one folder, ending and set of columns. fault: why they cannot be read."""

    folder: str
    ending: str
    files: list[storage.FileInfo]
    looked_at: int = 0
    rows: int = 0
    bad: int = 0
    columns: dict[str, Column] = field(default_factory=dict)
    text: str | None = None
    prompt: str | None = None
    record: RecordKind | None = None
    parts: dict[str, str | None] = field(default_factory=dict)
    """Of records that are made of turns: their columns, by what they hold."""
    why: str = ""
    fault: str | None = None
    plain: Literal["code", "text"] | None = None
    """Files that hold no rows: each is a document."""

    @property
    def bytes(self) -> int:
        return sum(info.bytes for info in self.files)


@dataclass
class Look:
    """The kinds of files, and those that are none of ours, by ending."""

    kinds: list[Kind]
    strangers: dict[str, int]
    files: int
    looked_into: int


def look(infos: Sequence[storage.FileInfo]) -> Look:
    """What the files hold. Reads no more than BUDGET bytes, text decompressed."""
    strangers: dict[str, int] = {}
    places: dict[tuple[str, str], list[storage.FileInfo]] = {}
    for info in infos:
        base = storage.name(info.path)
        if info.kind != "file" or by_name(info.path) is None:
            ending = "." + base.rsplit(".", 1)[1].lower() if "." in base else "no ending"
            strangers[ending] = strangers.get(ending, 0) + 1
            continue
        folder = info.path[: -len(base)].rstrip("/")
        places.setdefault((folder, base[base.index(".") :].lower() if "." in base else ""), []).append(info)
    left = BUDGET
    looked = 0
    kinds: list[Kind] = []
    for (folder, ending), files in sorted(places.items()):
        found: list[Kind] = []
        some = files[:: max(1, len(files) // FILES_A_KIND)][:FILES_A_KIND]
        sampled = {info.path for info in some}
        for info in [*some, *(info for info in files if info.path not in sampled)]:
            # Files of a folder that differ are looked into one by one, as long as that may go on.
            if found and (left <= 0 or (info.path not in sampled and len(found) == 1)):
                found[0].files.append(info)
                continue
            one, taken = _of_file(folder, ending, info)
            _choose(one)
            left -= taken
            looked += 1
            same = next((kind for kind in found if _alike(kind, one)), None)
            if same is None:
                found.append(one)
            else:
                _add(same, one)
        for kind in found:
            kind.files.sort(key=lambda info: info.path)
        kinds += found
    for kind in kinds:
        _choose(kind)
    return Look(kinds, strangers, len(infos), looked)


def look_at_plain(infos: Sequence[storage.FileInfo], folder: str, form: Literal["code", "text"]) -> Kind:
    """Files that are a document each. Looks into a few."""
    kind = Kind(folder, "", sorted(infos, key=lambda info: info.path), plain=form, text="text")
    kind.why = "each file is one document" + (", with its language as a tag" if form == "code" else "")
    column = kind.columns.setdefault("text", Column("text"))
    for info in kind.files[:: max(1, len(infos) // FILES_A_KIND)][:FILES_A_KIND]:
        kind.looked_at += 1
        try:
            with storage.open_read(info.url) as stream:
                _saw(column, stream.read(EXAMPLE_CHARS).decode("utf-8", "replace"))
        except OSError:
            kind.bad += 1
        else:
            kind.rows += 1
    return kind


def _alike(first: Kind, second: Kind) -> bool:
    both = (first.fault is None, first.record) == (second.fault is None, second.record)
    return both and bool(set(first.columns) & set(second.columns) or not first.columns)


def _add(kind: Kind, other: Kind) -> None:
    kind.files += other.files
    for name in ("looked_at", "rows", "bad"):
        setattr(kind, name, getattr(kind, name) + getattr(other, name))
    for name, column in other.columns.items():
        if name not in kind.columns:
            kind.columns[name] = column
            continue
        mine = kind.columns[name]
        mine.kind = column.kind if mine.kind == "null" else mine.kind
        mine.examples += column.examples[: EXAMPLES - len(mine.examples)]
        mine.characters, mine.filled = mine.characters + column.characters, mine.filled + column.filled
        mine.strings = mine.strings and column.strings


def _of_file(folder: str, ending: str, info: storage.FileInfo) -> tuple[Kind, int]:
    """A file looked into, and the bytes that were read."""
    kind = Kind(folder, ending, [info], 1)
    form, compression = by_name(info.path) or ("", None)
    taken = [0]
    try:
        for row in itertools.islice(_rows(info.url, form, compression, taken), ROWS):
            if row is None:
                kind.bad += 1
                continue
            kind.rows += 1
            for name, value in _leaves(row):
                _saw(kind.columns.setdefault(name, Column(name)), value)
    except StreamFault as error:
        kind.fault = None if kind.rows else error.message
    except (OSError, pa.ArrowException, ValueError, csv.Error) as error:
        kind.fault = None if kind.rows else f"cannot be read ({type(error).__name__})"
    if not kind.rows and kind.fault is None:
        kind.fault = "no row in it" if not kind.bad else "no row in it is sound"
    return kind, taken[0]


def _rows(url: str, form: str, compression: str | None, taken: list[int]) -> Iterator[dict[str, Any] | None]:
    """The first rows of a file; None for one that is none."""
    if form == "warc":
        for batch in read_warc(url, Wanted(batch_bytes=1_000_000, extra={"language": "string"})):
            if batch.fault is not None and not len(batch.documents):
                raise ValueError(batch.fault)
            for row in batch.documents.to_pylist():
                taken[0] += len(row["text"])
                yield {"text": row["text"], "url": row["url"], "date": row["date"], "language": row["column:language"]}
            if taken[0] > HEAD_BYTES:
                return
        return
    if form == "parquet":
        with storage.open_read(url) as stream, pq.ParquetFile(stream, buffer_size=1 << 16, pre_buffer=False) as file:
            for batch in file.iter_batches(batch_size=20):
                taken[0] += batch.nbytes
                yield from batch.to_pylist()
                if taken[0] > HEAD_BYTES:
                    return
        return

    def head() -> Iterator[bytes]:
        left = HEAD_BYTES
        for block in text_blocks(url, form, compression):
            piece = block[:left]
            taken[0] += len(piece)
            left -= len(piece)
            yield piece
            if not left:
                return

    if form in ("json", "jsonl"):
        yield from _json(head, form)
    elif form == "txt":
        yield {"text": b"".join(head()).decode("utf-8", "replace")}
    else:
        data = b"".join(head())
        text = data[: data.rfind(b"\n") + 1 or len(data)].decode("utf-8", "replace")
        reader = csv.reader(io.StringIO(text, newline=""), delimiter="," if form == "csv" else "\t")
        names = next(reader, [])
        for record in reader:
            yield dict(zip(names, record, strict=True)) if len(record) == len(names) else None


def _json(head: Callable[[], Iterator[bytes]], form: str) -> Iterator[dict[str, Any] | None]:
    wanted = Wanted(max_row_bytes=HEAD_BYTES)
    made: list[dict[str, Any] | None] = []
    try:
        for batch in records(head, wanted, form):
            for line in batch:
                if line is not None and not line.strip():
                    continue
                try:
                    value = orjson.loads(line) if line is not None else None
                except orjson.JSONDecodeError:
                    value = None
                made.append(value if isinstance(value, dict) else None)
    except StreamFault:
        if not made:
            raise
    if made and made[-1] is None and sum(map(len, head())) >= HEAD_BYTES:
        made.pop()  # cut by ourselves
    yield from made


def _leaves(row: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Columns, and the fields of structs by their dotted names, one level down."""
    for name, value in row.items():
        if isinstance(value, dict):
            for inner, one in value.items():
                yield f"{name}.{inner}", one
        else:
            yield str(name), value


def _saw(column: Column, value: Any) -> None:
    if isinstance(value, bytes):
        try:
            value = value.decode("utf-8")
        except UnicodeDecodeError:
            value = value[:EXAMPLE_CHARS]
    if value is None or value == "":
        return
    column.filled += 1
    if column.kind == "null":
        column.kind = "a date" if isinstance(value, datetime.date | datetime.time) else holds(value)
    column.strings = column.strings and isinstance(value, str)
    if isinstance(value, str):
        column.characters += len(value)
    if len(column.examples) < EXAMPLES:
        column.examples.append(str(value)[:EXAMPLE_CHARS])


def _choose(kind: Kind) -> None:
    """Which kind of records these are, which column is the text, which the prompt, and why."""
    texts = {name: column for name, column in kind.columns.items() if column.strings and column.filled}
    lowered = {name.lower().rsplit(".", 1)[-1]: name for name in reversed(list(kind.columns))}
    if kind.ending.startswith(".txt"):
        kind.text, kind.why = "text", "the whole file is one document"
        return
    messages = next((lowered[name] for name in MESSAGES if name in lowered), None)
    asked = next((lowered[name] for name in PROMPTS if lowered.get(name) in texts), None)
    answer = next((lowered[name] for name in RESPONSES if lowered.get(name) in texts), None)
    named = next((lowered[name] for name in TEXTS if lowered.get(name) in texts), None)
    if "chosen" in lowered and "rejected" in lowered:
        kind.record, kind.why = "preference", "a chosen and a rejected answer stand beside each other"
        kind.parts = {"prompt": asked, "chosen": lowered["chosen"], "rejected": lowered["rejected"]}
    elif TRUTH in lowered and (asked or messages) is not None:
        kind.record, kind.why = (
            "verifiable",
            "a prompt and what its answers are checked against stand beside each other",
        )
        verifier = next((lowered[name] for name in VERIFIERS if name in lowered), None)
        kind.parts = {"prompt": asked or messages, "ground_truth": lowered[TRUTH], "verifier": verifier}
    elif messages is not None and named is None:
        kind.record, kind.why = "conversation", f"column {printable(messages)} holds the turns"
        kind.parts = {"messages": messages}
    elif asked is not None and answer is not None and named is None:
        kind.prompt, kind.text, kind.why = asked, answer, "a prompt and its answer stand beside each other"
    elif named is not None:
        kind.text, kind.why = named, "by its name"
    elif texts:
        longest = max(texts, key=lambda name: texts[name].characters)
        if texts[longest].characters >= 50 * texts[longest].filled:
            kind.text, kind.why = longest, "it holds by far the most characters"


def role(kind: Kind, what: str) -> str | None:
    """The column that is a document's url, date or id, by its name."""
    lowered = {name.lower(): name for name in kind.columns}
    return next((lowered[name] for name in NAMES[what] if name in lowered), None)
