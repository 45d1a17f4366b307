"""What a run works on: input files, and partitions of slices of them. Records, without text."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

DOCUMENTS_FILE, SIGNATURES, DROPPED = "documents.parquet", "signatures.parquet", "dropped.parquet"
STATISTICS, BORDERS, SUMMARY = "statistics.parquet", "borders.parquet", "summary.json"


@dataclass(frozen=True)
class Input:
    """A file that a source's globs found.

    ``path`` is how it is shown, ``url`` how it is opened from anywhere. ``marks``: where slices may begin, as (start,
    first row): byte offsets of lines in plain JSON Lines, numbers of row groups in Parquet. ``fault``: why the file cannot
    be read at all.
    """

    source: str
    source_index: int
    path: str
    url: str
    bytes: int
    version: str
    fingerprint: str
    format: str
    compression: str | None = None
    marks: tuple[tuple[int, int], ...] = ()
    same_as: str | None = None
    fault: str | None = None
    place: str = ""
    """Where it stands under the source's path; only of files that are one document each."""


@dataclass(frozen=True)
class Slice:
    """A file, or the range [start, stop) of it in the unit of its marks (``readers/cuts.py``; row groups of Parquet); stop None is the end.

    input: its place among the run's inputs. first_row: the number of its first row in the file.
    """

    input: int
    start: int = 0
    stop: int | None = None
    first_row: int = 0


@dataclass(frozen=True)
class Partition:
    """A unit of memory and of work: slices of one source's files, in document order."""

    source_index: int
    slices: tuple[Slice, ...]


@dataclass(frozen=True)
class SliceRead:
    """What reading a slice gave: documents, malformed rows, and what is wrong with the file, if anything is."""

    documents: int
    bad_rows: int
    fault: str | None = None


@dataclass(frozen=True)
class Prepared:
    """What is known of a prepared partition; ``folder`` holds its tables."""

    folder: str
    key: str
    read: list[SliceRead]
    kept: int
    dropped: dict[str, dict[str, int]]
    edits: list[tuple[str, str, int, int]]
    reasons: list[tuple[int, int, str]]
    """(slice, row, reason) of malformed rows."""
    columns: list[str]
    files: dict[str, tuple[int, str]]
    seconds: dict[str, float] = field(default_factory=dict)
    text_bytes: int = 0
    rewritten: str | None = None
    """The documents as a later stage wrote them anew, row for row."""

    def _path(self, name: str) -> str:
        return f"{self.folder.rstrip('/')}/{name}"

    @property
    def documents(self) -> int:
        """Documents that were read."""
        return sum(one.documents for one in self.read)

    def with_documents(self, path: str) -> Prepared:
        """The partition with its documents as a stage wrote them anew, row for row, at ``path``."""
        return replace(self, rewritten=path)

    @property
    def documents_path(self) -> str:
        if self.rewritten is not None:
            return self.rewritten
        return self._path(DOCUMENTS_FILE)

    @property
    def signatures_path(self) -> str:
        return self._path(SIGNATURES)

    @property
    def statistics_path(self) -> str | None:
        """What the rules measured, a row a document that came to them; None where the recipe does not keep it."""
        return self._path(STATISTICS) if STATISTICS in self.files else None

    @property
    def borders_path(self) -> str:
        """What each rule just kept."""
        return self._path(BORDERS)

    @property
    def set_aside_path(self) -> str:
        return self._path(DROPPED)


@dataclass(frozen=True)
class WrittenShard:
    """What the manifest says of a shard."""

    path: str
    rows: int
    tokens: int
    bytes: int
    sha256: str
    phase: str
    labels: dict[str, tuple[int, int, int]]
    """Documents, tokens and tokens with loss by label of the phase's mixture."""
    documents: int
    first_position: int
    unfit: int = 0
    """Documents whose token columns do not fit their text."""
    padded: int | None = None
    cut: int | None = None
    dropped_tokens: int | None = None
    """Of packed shards: tokens filled up, documents that are not whole in one sequence, tokens thrown away."""
