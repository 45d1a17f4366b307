"""Cleaning beside its peers: rule sets against datatrove, fastText against fasttext-wheel, *prepare* step by step.

    python -m tests.benchmarks.cleaning [--documents 20000]

One core each, unless it says two threads; each figure is the best of three, the peers on a sample of the same documents
(datatrove) or on all of them (fasttext-wheel), in the same process. datatrove's filters get white-space words and
split sentences by spaCy as they do by themselves; ours count sentences by the same rules.
"""

from __future__ import annotations

import argparse
import gzip
import json
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
from rich.console import Console
from rich.table import Table

from curation.arrays.arrow_text import as_text
from curation.cleaning.fasttext.model import predict
from curation.cleaning.language import model_path
from curation.rules.apply import apply
from curation.stages.prepare import warm_up
from schemas.cleaning import Language
from schemas.recipe import Recipe
from schemas.rules import C4, FineWeb, GopherQuality, GopherRepetition
from tests.benchmarks.texts import documents
from tests.partitions import prepare_files

FOUR = [GopherQuality(), GopherRepetition(), C4(), FineWeb()]
PEER_DOCUMENTS = 400
EVERYTHING = {
    "normalisers": dict.fromkeys(("control_characters", "zero_width", "bidirectional", "blank_lines"), True),
    "language": {"keep": None, "min_score": 0.0},
    "rules": ["gopher_quality", "gopher_repetition", "c4", "fineweb"],
    "pii": dict.fromkeys(("emails", "ips", "secrets", "ibans", "cards", "phones"), "mask"),
}


def best(work: Callable[[], Any], times: int = 3) -> float:
    """Least seconds of a few runs."""
    least = float("inf")
    for _ in range(times):
        started = time.perf_counter()
        work()
        least = min(least, time.perf_counter() - started)
    return least


def rule_sets(texts: list[str]) -> list[tuple[str, float, float, float]]:
    """(what, MB/s, the peer's, ratio): each set alone and the four together."""
    from datatrove.data import Document
    from datatrove.pipeline import filters
    from datatrove.utils.word_tokenizers import WordTokenizer, load_word_tokenizer

    class Words(WordTokenizer):
        """White-space words, the peer's own sentences."""

        def __init__(self) -> None:
            self.own = load_word_tokenizer("en")

        def word_tokenize(self, text: str) -> list[str]:
            return text.split()

        def sent_tokenize(self, text: str) -> list[str]:
            return self.own.sent_tokenize(text)

        def span_tokenize(self, text: str) -> list[tuple[int, int]]:
            return self.own.span_tokenize(text)

    words = Words()
    peers = [
        filters.GopherQualityFilter(language=words),
        filters.GopherRepetitionFilter(language=words),
        filters.C4QualityFilter(language=words),
        filters.FineWebQualityFilter(language=words),
    ]
    table = pa.table({"text": pa.array(texts, pa.large_string())})
    sample = texts[:: max(len(texts) // PEER_DOCUMENTS, 1)]

    def theirs(chain: list[Any]) -> list[bool]:
        kept = []
        for text in sample:
            document = Document(text=text, id="")
            kept.append(all(one.filter(document) is True for one in chain))
        return kept

    rows = []
    for name, rules, chain in [
        *((rule.name, [rule], [peer]) for rule, peer in zip(FOUR, peers, strict=True)),
        ("the four, first verdict", FOUR, peers),
    ]:
        apply(table.slice(0, 10), rules)
        ours = megabytes(texts) / best(lambda rules=rules: apply(table, rules))  # type: ignore[misc]
        kept = theirs(chain)
        peer = megabytes(sample) / best(lambda chain=chain: theirs(chain))  # type: ignore[misc]
        mine = apply(pa.table({"text": pa.array(sample, pa.large_string())}), rules).rule < 0
        alike = sum(a == b for a, b in zip(kept, mine.tolist(), strict=True)) / len(kept)
        rows.append((f"{name} (same decision: {alike:.1%}, kept {mine.mean():.0%})", ours, peer, ours / peer))
    return rows


def languages(texts: list[str]) -> list[tuple[str, float, float, float]]:
    """Language id of whole texts against fasttext-wheel; then on two threads against one."""
    import fasttext

    fasttext.FastText.eprint = lambda *_: None
    path = model_path(Language())
    peer = fasttext.load_model(path)
    column = as_text(pa.array(texts, pa.large_string()))
    lines = [text.replace("\n", " ") for text in texts]
    ours, _ = predict(column, path, place="")
    theirs, _ = peer.predict(lines)
    alike = sum(a == b[0].removeprefix("__label__") for a, b in zip(ours, theirs, strict=True)) / len(ours)
    one = best(lambda: predict(column, path, place=""))
    other = best(lambda: peer.predict(lines), 2)
    halves = [as_text(column.slice(0, len(texts) // 2)), as_text(column.slice(len(texts) // 2))]
    with ThreadPoolExecutor(2) as pool:
        two = best(lambda: list(pool.map(lambda half: predict(half, path, place=""), halves)))
    size = megabytes(texts)
    return [
        (f"language id (same label: {alike:.2%})", size / one, size / other, other / one),
        ("language id, two threads against one", size / two, size / one, one / two),
    ]


def prepare_task(texts: list[str], folder: Path) -> tuple[float, dict[str, float]]:
    """MB/s of one *prepare* task with everything on, and its seconds by step."""
    raw = folder / "raw.jsonl.gz"
    with gzip.open(raw, "wt", compresslevel=6) as out:
        for number, text in enumerate(texts):
            out.write(json.dumps({"text": text, "id": str(number), "url": f"https://example.org/{number}"}) + "\n")
    (folder / "train.txt").write_text(
        "".join(f"__label__{'hq' if n % 2 else 'lq'} {' '.join(text.split())}\n" for n, text in enumerate(texts[:400]))
    )
    model = _classifier(folder)
    recipe = Recipe.model_validate(
        {
            "name": "bench",
            "sources": [{"name": "a", "paths": [str(raw)]}],
            "clean": {**EVERYTHING, "classifier": {"model": model, "label": "hq", "min_score": 0.0}},
        }
    )
    warm_up(recipe)
    made = [prepare_files(recipe, folder / str(n))[0] for n in range(2)]
    fastest = min(made, key=lambda one: sum(one.seconds.values()))
    return megabytes(texts) / sum(fastest.seconds.values()), fastest.seconds


def _classifier(folder: Path) -> str:
    import fasttext

    trained = fasttext.train_supervised(
        str(folder / "train.txt"), dim=64, wordNgrams=2, bucket=200_000, thread=1, verbose=0
    )
    trained.save_model(str(folder / "model.bin"))
    return str(folder / "model.bin")


def megabytes(texts: list[str]) -> float:
    """Of UTF-8."""
    return sum(len(text.encode()) for text in texts) / 1e6


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=20_000)
    texts = list(documents(parser.parse_args().documents))
    out = Console()
    out.print(f"{len(texts):,} documents, {megabytes(texts):.0f} MB")
    table = Table("", "MB/s", "peer MB/s", "ratio")
    for name, ours, peer, ratio in [*rule_sets(texts), *languages(texts)]:
        table.add_row(name, f"{ours:.1f}", f"{peer:.2f}", f"{ratio:.1f}")
    out.print(table)
    with tempfile.TemporaryDirectory() as folder:
        speed, seconds = prepare_task(texts, Path(folder))
    total = sum(seconds.values())
    steps = Table("step of prepare", "seconds", "share", "MB/s alone")
    for step, one in sorted(seconds.items(), key=lambda pair: -pair[1]):
        steps.add_row(step, f"{one:.2f}", f"{one / total:.0%}", f"{megabytes(texts) / one:.0f}")
    out.print(steps)
    out.print(f"prepare, everything on: {speed:.1f} MB/s on one core")


if __name__ == "__main__":
    main()
