"""Heuristic filters of other toolkits beside ours, over the same documents, one core each, in the same process.

    pip install --no-deps --target FOLDER dolma nemo-curator py-data-juicer …   # what they import: a few packages more
    python -m tests.benchmarks.toolkits --packages FOLDER [--documents 400]

Gopher's rules of quality and repetition as each toolkit has them (NeMo Curator's filters with their defaults, Dolma's tagger); Data-Juicer has
no such set, so its eight heuristic text filters that need no downloaded list. Ours and datatrove's decide the same (`tests.benchmarks.cleaning`);
the others measure alike, but not to the letter. Each figure is the best of three.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from importlib.metadata import distributions
from typing import Any

import pyarrow as pa
from rich.console import Console
from rich.table import Table

from curation.rules.apply import apply
from schemas.rules import GopherQuality, GopherRepetition
from tests.benchmarks.cleaning import best, megabytes
from tests.benchmarks.texts import documents

Work = Callable[[list[str]], object]


def datatrove() -> Work:
    """Gopher's filters, with words and sentences by spaCy as they come."""
    from datatrove.data import Document
    from datatrove.pipeline.filters import GopherQualityFilter, GopherRepetitionFilter

    chain = [GopherRepetitionFilter(), GopherQualityFilter()]
    return lambda texts: [[one.filter(Document(text=text, id="")) for one in chain] for text in texts]


def dolma() -> Work:
    """The attributes of its tagger `gopher_v1`."""
    from dolma.taggers.gopher import get_attributes

    return lambda texts: [get_attributes(text) for text in texts]


def nemo_curator() -> Work:
    """Its filters of Gopher's rules: score and decision of each."""
    from nemo_curator.stages.text.filters.heuristic import repetition, string

    chain = [
        string.WordCountFilter(),
        string.MeanWordLengthFilter(),
        string.SymbolsToWordsFilter(),
        string.BulletsFilter(),
        string.EllipsisFilter(),
        string.WordsWithoutAlphabetsFilter(),
        string.CommonEnglishWordsFilter(),
        repetition.RepeatedLinesFilter(),
        repetition.RepeatedParagraphsFilter(),
        repetition.RepeatedLinesByCharFilter(),
        repetition.RepeatedParagraphsByCharFilter(),
        *(repetition.RepeatingTopNGramsFilter(n) for n in (2, 3, 4)),
        *(repetition.RepeatingDuplicateNGramsFilter(n) for n in range(5, 11)),
    ]
    return lambda texts: [[one.keep_document(one.score_document(text)) for one in chain] for text in texts]


def data_juicer() -> Work:
    """Its filters of words, characters and lines."""
    from data_juicer.ops import filter as filters
    from data_juicer.utils.constant import Fields

    chain = [
        filters.WordsNumFilter(),
        filters.TextLengthFilter(),
        filters.AverageLineLengthFilter(),
        filters.MaximumLineLengthFilter(),
        filters.AlphanumericFilter(),
        filters.SpecialCharactersFilter(),
        filters.CharacterRepetitionFilter(),
        filters.WordRepetitionFilter(),
    ]

    def run(texts: list[str]) -> None:
        batch: dict[str, list[Any]] = {"text": texts, Fields.stats: [{} for _ in texts]}
        for one in chain:
            batch = one.compute_stats_batched(batch)
            list(one.process_batched(batch))

    return run


PEERS = {"datatrove": datatrove, "dolma": dolma, "nemo-curator": nemo_curator, "py-data-juicer": data_juicer}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packages", help="a folder with the toolkits", required=True)
    parser.add_argument("--documents", type=int, default=400)
    asked = parser.parse_args()
    sys.path.append(asked.packages)
    versions = {one.metadata["Name"].lower().replace("_", "-"): one.version for one in distributions()}
    texts = list(documents(asked.documents))
    column = pa.table({"text": pa.array(texts * 10, pa.large_string())})
    rules = [GopherQuality(), GopherRepetition()]
    apply(column.slice(0, 10), rules)
    ours = megabytes(texts * 10) / best(lambda: apply(column, rules))
    shown = Table("toolkit", "MB/s a core", "ours is so many times as fast", title=f"{len(texts)} documents")
    shown.add_row("syllabus", f"{ours:.1f}", "")
    for name, peer in PEERS.items():
        work = peer()
        speed = megabytes(texts) / best(lambda work=work: work(texts))  # type: ignore[misc]
        shown.add_row(f"{name} {versions[name]}", f"{speed:.2f}", f"{ours / speed:.0f}")
    Console().print(shown)


if __name__ == "__main__":
    main()
