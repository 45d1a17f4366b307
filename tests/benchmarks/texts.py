"""Documents for benchmarks, from what the Python installation ships: prose of docstrings and descriptions, cut to size.

Paragraphs are drawn with their neighbours, so that vocabulary and repetition are those of real pages; a few pages get a
second language's help text, a list, or a page's furniture. The same seed gives the same documents.
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from deployments.demo_corpus import descriptions, docstrings, help_topics, text_files

OTHER = (
    "Der schnelle braune Fuchs springt über den faulen Hund, und niemand ist ihm böse, weil er es so gut kann.",
    "Le vif renard brun saute par-dessus le chien paresseux, et personne ne lui en veut, car il le fait si bien.",
    "これは日本語の文章です。毎日の仕事で使う文書を集めました。読みやすい文を書くことは大切です。",
    "Быстрая коричневая лиса перепрыгивает через ленивую собаку, и никто на неё не сердится.",
)
FURNITURE = ("Home | About | Contact", "Read more...", "3 likes", "Copyright 2024", "- one - two - three", "")


def paragraphs() -> list[str]:
    """Paragraphs of running text, each on one line as on a page, in the order of the installation."""
    found: list[str] = []
    for document in itertools.chain(help_topics(), docstrings(), text_files(), descriptions()):
        for part in re.split(r"\n\s*\n", document["text"]):
            lines = [line.strip() for line in part.splitlines()]
            if sum(map(len, lines)) > 80 and ">>>" not in part and part.count(" ") > 10:
                found.append(" ".join(lines))
    return found


def documents(n: int, *, low: int = 4000, high: int = 5000, seed: int = 0) -> Iterator[str]:
    """``n`` texts of ``low`` to ``high`` bytes."""
    draw = random.Random(seed)
    every = paragraphs()
    for _ in range(n):
        size = draw.randrange(low, high)
        parts: list[str] = []
        length = 0
        while length < size:
            start = draw.randrange(len(every))
            run = every[start : start + draw.randrange(1, 5)]
            if draw.random() < 0.04:
                run = [draw.choice(OTHER)]
            if draw.random() < 0.08:
                run.append(draw.choice(FURNITURE))
            for part in run:
                parts.append(part)
                length += len(part.encode()) + 2
        yield "\n\n".join(parts).encode()[:size].decode(errors="ignore")


def short_documents(folder: Path, n: int, *, files: int, seed: int = 0, copies: float = 0.1, mark: str = "") -> float:
    """Write ``n`` short documents, some fifty words each, as Parquet; megabytes of text. A share are copies with two words
    replaced. The first ones of a seed are the same for any ``n``; ``mark`` changes a word of each.
    """
    names = np.array(sorted({word.lower() for text in paragraphs() for word in text.split() if word.isalpha()}))
    draw = np.random.default_rng(seed)
    size, step = 0, -(-n // files)
    for file in range(files):
        count = min(step, n - file * step)
        words = names[draw.integers(0, len(names), (count, 50))]
        again = np.flatnonzero(draw.random(count) < copies)
        words[again] = words[draw.integers(0, count, len(again))]
        words[again, draw.integers(0, 50, len(again))] = "other"
        if mark:
            words[:, 25] = mark
        texts = [" ".join(row) for row in words.tolist()]
        size += sum(map(len, texts))
        pq.write_table(pa.table({"text": texts}), folder / f"{mark}{file:03d}.parquet", row_group_size=20_000)
    return size / 1e6
