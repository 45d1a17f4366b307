"""What a file is: by its name what it should be, by its first bytes what it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

FORMATS = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".parquet": "parquet",
    ".csv": "csv",
    ".tsv": "tsv",
    ".txt": "txt",
    ".warc": "warc",
}
ENDINGS = " ".join(FORMATS)
"""Of files of records, for messages."""
TEXT_ENDINGS = (".txt", ".md", ".markdown", ".rst", ".tex", ".adoc", ".org", ".html", ".htm")
"""Files of a folder that `format: text` takes; a glob may name any."""
LANGUAGES = {
    ".asm": "assembly",
    ".bash": "shell",
    ".c": "c",
    ".cc": "c++",
    ".clj": "clojure",
    ".cpp": "c++",
    ".cs": "c#",
    ".css": "css",
    ".cu": "cuda",
    ".dart": "dart",
    ".erl": "erlang",
    ".ex": "elixir",
    ".f90": "fortran",
    ".go": "go",
    ".h": "c",
    ".hpp": "c++",
    ".hs": "haskell",
    ".html": "html",
    ".java": "java",
    ".jl": "julia",
    ".js": "javascript",
    ".json": "json",
    ".kt": "kotlin",
    ".lua": "lua",
    ".m": "matlab",
    ".md": "markdown",
    ".ml": "ocaml",
    ".php": "php",
    ".pl": "perl",
    ".proto": "protobuf",
    ".py": "python",
    ".pyi": "python",
    ".r": "r",
    ".rb": "ruby",
    ".rs": "rust",
    ".rst": "restructuredtext",
    ".scala": "scala",
    ".sh": "shell",
    ".sql": "sql",
    ".swift": "swift",
    ".tex": "tex",
    ".toml": "toml",
    ".ts": "typescript",
    ".tsx": "typescript",
    ".v": "verilog",
    ".vhd": "vhdl",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".zig": "zig",
}
"""Files of a folder that `format: code` takes, and the label that they get by their ending."""
DATA_ENDINGS = (".json", ".toml", ".yaml", ".yml")
"""Of these, what stands beside code, and alone shows none."""
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2", ".xz": "xz"}
TITLES = {
    "jsonl": "JSON Lines",
    "json": "JSON",
    "parquet": "Parquet",
    "csv": "CSV",
    "tsv": "TSV",
    "txt": "plain text",
    "warc": "WARC",
    "text": "plain text",
    "code": "code",
    "gzip": "gzip",
    "zstd": "zstd",
    "bz2": "bzip2",
    "xz": "xz",
}

MAGIC = {
    b"PAR1": "Parquet magic bytes",
    b"\x1f\x8b": "gzip magic bytes",
    b"\x28\xb5\x2f\xfd": "zstd magic bytes",
    b"BZh": "bzip2 magic bytes",
    b"\xfd7zXZ\x00": "xz magic bytes",
    b"PK\x03\x04": "zip magic bytes",
    b"%PDF-": "PDF magic bytes",
    b"ARROW1": "Arrow magic bytes",
    b"\xff\xfe\x00\x00": "UTF-32 with byte-order mark",
    b"\x00\x00\xfe\xff": "UTF-32 with byte-order mark",
    b"\xff\xfe": "UTF-16 with byte-order mark",
    b"\xfe\xff": "UTF-16 with byte-order mark",
}
HEAD_BYTES = 16
"""First bytes of a file that ``foreign`` looks at."""


def by_name(path: str) -> tuple[str, str | None] | None:
    """(format, compression) that the file's name promises, None for a name of neither."""
    lowered, compression = unpacked(path)
    for ending, kind in FORMATS.items():
        if lowered.endswith(ending):
            return kind, compression
    return None


def kind_of(path: str, format: str) -> tuple[str, str | None] | None:
    """(format, compression) of a source's file. format: the source's; of files of rows the name says it."""
    if format == "rows":
        return by_name(path)
    return format, unpacked(path)[1]


def is_taken(path: str, format: str) -> bool:
    """Whether a source takes a file that it finds in a folder."""
    if format == "rows":
        return by_name(path) is not None
    return unpacked(path)[0].endswith(TEXT_ENDINGS) if format == "text" else language_of(path) is not None


def plain_files(paths: Sequence[str]) -> dict[Literal["code", "text"], list[str]]:
    """The files that hold no rows but a text each, by the format of the source that takes them: all of a folder of code are code, its
    notes too.

    >>> plain_files(["a.py", "README.md", "setup.toml", "notes.org", "rows.jsonl"])
    {'code': ['a.py', 'README.md', 'setup.toml'], 'text': ['notes.org']}
    >>> plain_files(["README.md", "setup.toml"])
    {'code': [], 'text': ['README.md']}
    """
    rest = [path for path in paths if by_name(path) is None]
    texts = [path for path in rest if is_taken(path, "text")]
    code = [path for path in rest if is_taken(path, "code")]
    text = set(texts)
    if all(path in text or unpacked(path)[0].endswith(DATA_ENDINGS) for path in code):
        code = []
    return {"code": code, "text": [path for path in texts if path not in set(code)]}


def language_of(path: str) -> str | None:
    """The programming language that a file's ending says."""
    _, dot, ending = unpacked(path)[0].rpartition("/")[2].rpartition(".")
    return LANGUAGES.get(dot + ending)


def unpacked(path: str) -> tuple[str, str | None]:
    """The name in lower case without what says how the file is packed, and how it is."""
    lowered = path.lower()
    for ending, kind in COMPRESSIONS.items():
        if lowered.endswith(ending):
            return lowered.removesuffix(ending), kind
    return lowered, None


def foreign(head: bytes) -> str | None:
    """What the first bytes of a supposed UTF-8 text show it to be instead; None if they may be text."""
    for magic in sorted(MAGIC, key=len, reverse=True):
        # A text may begin with BZh; a bzip2 stream goes on with its level and the digits of pi.
        if head.startswith(magic) and (magic != b"BZh" or head[4:10] == b"1AY&SY"):
            return MAGIC[magic]
    wide = len(head) >= 4 and (head[0] == 0) != (head[1] == 0)
    if wide and (head[0:4:2] == b"\x00\x00" or head[1:4:2] == b"\x00\x00"):
        return "UTF-16 without byte-order mark"
    return None


def described(head: bytes) -> str:
    """What bytes look like, for the message on a file that is not what its name says."""
    what = foreign(head)
    if what is not None:
        return what
    try:
        head[:-3].decode("utf-8")  # the last character may be cut
    except UnicodeDecodeError:
        return "unknown bytes"
    return "plain text"
