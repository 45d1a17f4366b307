"""A run's work folder: what its tasks read instead of being handed it, and where each leaves what it makes.

``run.json`` holds recipe, inputs and partitions. A stage leaves one table a piece, ``<table>/<piece>.parquet``; what a
global stage decides lies as a small table beside each partition. So a task is told a folder, a stage and a number, and gives
back counts: what goes through the scheduler does not grow with documents.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from curation import storage
from curation.arrays.give_back import give_back
from curation.dedup.anchors import shelves_of
from curation.dedup.key_ranges import ranges_of
from curation.releases.home import Home
from schemas.recipe import Recipe
from schemas.sources import Source
from schemas.tables import DECIDED, DECISIONS
from schemas.work import SUMMARY, Input, Partition, Prepared, Slice, SliceRead

DECIDING = (
    "classifier",
    "exact-document",
    "exact-normalised",
    "exact-url",
    "duplicates",
    "semantic",
    "caps",
    "paragraphs",
    "history",
    "substrings",
    "decontaminate",
    "sources",
    "schedule",
)
"""Tables of decisions, in the order in which they are made; a document that one drops takes no part in the next. *history* is
made before *substrings*, which else would leave nothing of a document that an earlier release kept."""
REWRITING = ("paragraphs", "substrings", "decontaminate")
"""Stages that may write a partition's documents anew, in order."""
RUN = "run.json"
RELEASE = "release.json"
Int = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Work:
    """One run's folder. What it holds does not change once it is written, so it is read once a process (``open_work``)."""

    folder: str
    prepared_folder: str
    keys: tuple[str, ...]
    """The name of each partition's folder in ``prepared_folder``."""
    recipe: Recipe
    inputs: tuple[Input, ...]
    partitions: tuple[Partition, ...]
    benchmarks: tuple[tuple[str, str], ...] = ()
    """(URL, sha256) of the files to decontaminate against."""

    def path(self, table: str, piece: int, ending: str = "parquet") -> str:
        """Where a stage leaves its table of a piece."""
        return storage.join(self.folder, table, f"{piece:05d}.{ending}")

    @cached_property
    def home(self) -> Home:
        """The recipe's folder that this run is for."""
        return Home(storage.join(self.recipe.output, self.recipe.name))

    @property
    def release(self) -> str:
        """The folder of the release, or the evaluation, that is being written."""
        folder: str = json.loads(storage.read_bytes(storage.join(self.folder, RELEASE)))["folder"]
        return folder

    def begin_release(self, folder: str) -> None:
        """From now on the run writes a release, to this folder."""
        storage.put(storage.join(self.folder, RELEASE), json.dumps({"folder": folder}).encode())

    # Partitions

    @property
    def numbers(self) -> range:
        return range(len(self.partitions))

    def source(self, number: int) -> Source:
        return self.recipe.sources[self.partitions[number].source_index]

    @cached_property
    def of_source(self) -> list[str]:
        """The name of each partition's source."""
        return [self.source(number).name for number in self.numbers]

    def paths_of(self, number: int) -> list[str]:
        """How the files of a partition's slices are shown."""
        return [self.inputs[one.input].path for one in self.partitions[number].slices]

    def prepared_path(self, number: int) -> str:
        return storage.join(self.prepared_folder, self.keys[number])

    def prepared(self, number: int) -> Prepared:
        """What *prepare* left of a partition, before any stage wrote its texts anew."""
        return load_summary(self.prepared_path(number))

    @cached_property
    def parts(self) -> list[Prepared]:
        """All partitions, as *prepare* left them."""
        return storage.each(self.prepared, self.numbers)

    @cached_property
    def ranges(self) -> int:
        """Into how many ranges keys are cut, and documents into how many blocks."""
        return ranges_of(sum(part.kept for part in self.parts))

    @cached_property
    def shelves(self) -> int:
        """Into how many ranges of keys anchors and their surroundings are cut."""
        return shelves_of(sum(part.text_bytes for part in self.parts))

    def pieces(self, stage: Stage) -> int:
        """How many pieces a stage has; of shards the schedule alone knows."""
        if stage.over == "once":
            return 1
        if stage.over == "ranges":
            return self.ranges
        return self.shelves if stage.over == "shelves" else len(self.partitions)

    def part(self, number: int, *, before: str | None = None) -> Prepared:
        """A partition with its texts as the stages before ``before`` left them (None: all stages)."""
        stages = REWRITING if before is None else REWRITING[: REWRITING.index(before)]
        found = self.prepared(number)
        for stage in reversed(stages):
            path = self.path(f"documents-{stage}", number)
            if storage.exists(path):
                return found.with_documents(path)
        return found

    # Decisions

    def decide(self, stage: str, number: int, decisions: pa.Table) -> str:
        """Leave what a stage drops of a partition; where."""
        path = self.path(f"decided-{stage}", number)
        storage.put_table(path, decisions.select(DECISIONS.names).cast(DECISIONS))
        return path

    def decide_all(self, stage: str, decided: pa.Table) -> list[str]:
        """Leave what a global stage drops, the DECIDED table, beside the partitions; where."""
        partition = decided["partition"].to_numpy()
        order = np.argsort(partition, kind="stable")
        cuts = np.searchsorted(partition[order], np.arange(len(self.partitions) + 1))
        ordered = decided.take(pa.array(order))
        return [
            self.decide(stage, number, ordered.slice(cuts[number], cuts[number + 1] - cuts[number]))
            for number in self.numbers
            if cuts[number] < cuts[number + 1]
        ]

    def all_decided(self, *, before: str | None = None) -> pa.Table:
        """What those stages drop of all partitions: the DECIDED table."""
        tables = storage.each(lambda number: self.decided(number, before=before), self.numbers)
        partition = np.repeat(np.arange(len(tables)), [len(table) for table in tables])
        return pa.concat_tables([DECISIONS.empty_table(), *tables]).add_column(
            0, DECIDED.field("partition"), pa.array(partition, pa.int32())
        )

    def decided(self, number: int, *, before: str | None = None) -> pa.Table:
        """What the stages before ``before`` (None: all) drop of a partition: the DECISIONS table."""
        stages = DECIDING if before is None else DECIDING[: DECIDING.index(before)]
        tables = [DECISIONS.empty_table()]
        for stage in stages:
            path = self.path(f"decided-{stage}", number)
            if storage.exists(path):
                with storage.open_read(path) as stream:
                    tables.append(pq.read_table(stream))
        return pa.concat_tables(tables)

    def gone(self, number: int, *, before: str | None = None) -> Int:
        """The rows of a partition that those stages drop, sorted."""
        rows: Int = np.sort(self.decided(number, before=before)["index"].to_numpy())
        return rows

    def left(self, number: int, *, before: str | None = None) -> Int:
        """The rows of a partition that are left, sorted."""
        return np.setdiff1d(np.arange(self.prepared(number).kept), self.gone(number, before=before), assume_unique=True)

    def left_to_cut(self, number: int, *, before: str) -> Int:
        """Those of them whose text may be cut: none of records that are made of turns."""
        left = self.left(number, before=before)
        return left[:0] if self.source(number).has_turns else left


@dataclass(frozen=True)
class Done:
    """What a piece of a stage came to: counts, as plain data, and the files that it left."""

    counts: dict[str, Any]
    files: Sequence[str] = ()


@dataclass(frozen=True)
class Stage:
    """A step of a run, as a record: nothing else in flows knows what it computes.

    over: what it runs over; ``run(work, piece)`` reads the tables that it names, writes one, and gives back counts.
    """

    name: str
    over: Literal["partitions", "ranges", "shelves", "shards", "once"]
    run: Callable[..., Done]
    reads: tuple[str, ...]
    writes: str


def run_piece(stage: Stage, work: Work, piece: int) -> dict[str, Any]:
    """Run one piece of a stage, unless the work folder holds what it leaves, whole; its counts."""
    note = work.path(f"done-{stage.name}", piece, "json")
    noted = _noted(note)
    if noted is not None:
        return noted
    done = stage.run(work, piece)
    give_back()
    if done.files:
        files = {path: [storage.size(path), storage.checksum(path)] for path in done.files}
        storage.put(note, json.dumps({"counts": done.counts, "files": files}).encode())
    return done.counts


def _noted(note: str) -> dict[str, Any] | None:
    """The counts of a piece that an unfinished run has done, if its files still are what it left."""
    if not storage.exists(note):
        return None
    try:
        plain = json.loads(storage.read_bytes(note))
        counts: dict[str, Any] = plain["counts"]
        for path, (size, digest) in plain["files"].items():
            if not storage.is_intact(path, size, digest):
                return None
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    return counts


def begin(
    folder: str,
    recipe: Recipe,
    inputs: Sequence[Input],
    partitions: Sequence[Partition],
    keys: Sequence[str],
    prepared_folder: str,
    benchmarks: Sequence[tuple[str, str]] = (),
) -> Work:
    """Write ``run.json``, so that tasks anywhere can open the folder. Its name must follow from what stands in it."""
    plain = {
        "recipe": recipe.resolved(),
        "inputs": [vars(one) | {"marks": ()} for one in inputs],
        "partitions": [
            [one.source_index, [[s.input, s.start, s.stop, s.first_row] for s in one.slices]] for one in partitions
        ],
        "keys": list(keys),
        "benchmarks": list(benchmarks),
        "prepared": storage.absolute(prepared_folder),
    }
    storage.put(storage.join(folder, RUN), json.dumps(plain).encode())
    open_work.cache_clear()
    return open_work(storage.absolute(folder))


@lru_cache(maxsize=2)
def open_work(folder: str) -> Work:
    """A run's folder, read once a process."""
    plain = json.loads(storage.read_bytes(storage.join(folder, RUN)))
    return Work(
        folder,
        plain["prepared"],
        tuple(plain["keys"]),
        Recipe.model_validate(plain["recipe"]),
        tuple(Input(**{**one, "marks": ()}) for one in plain["inputs"]),
        tuple(Partition(source, tuple(Slice(*one) for one in slices)) for source, slices in plain["partitions"]),
        tuple((url, digest) for url, digest in plain["benchmarks"]),
    )


def load_summary(folder: str) -> Prepared:
    """The summary of a prepared folder. Raises FileNotFoundError, ValueError, TypeError, KeyError where it is not whole."""
    plain = json.loads(storage.read_bytes(storage.join(folder, SUMMARY)))
    plain["read"] = [SliceRead(**one) for one in plain["read"]]
    plain["reasons"] = [tuple(one) for one in plain["reasons"]]
    plain["edits"] = [tuple(one) for one in plain["edits"]]
    plain["folder"] = folder
    return Prepared(**plain)


def load_prepared(folder: str) -> Prepared | None:
    """The summary of a folder if it is complete and its files are as they were written, else None."""
    try:
        summary = load_summary(folder)
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None
    for name, (size, digest) in summary.files.items():
        if not storage.is_intact(storage.join(folder, name), size, digest):
            return None
    return summary
