"""What other models said of the example pages: a classifier of topics, a table of formats, a language model of words."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import fasttext

FORMATS = ("article", "forum", "listing")


def formats(pages: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The format of each page, as another classifier would have it."""
    for page in pages:
        yield {"id": page["id"], "format": Random(page["id"]).choices(FORMATS, (6, 3, 1))[0]}


def topic_model(pages: Iterable[dict[str, Any]], path: Path) -> None:
    """A fastText classifier of topics, trained on the pages; one thread, so that the same pages give the same bytes."""
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder) / "lines.txt"
        lines.write_text(
            "".join(f"__label__{page['topic']} {page['text'].lower()}\n" for page in pages), encoding="utf-8"
        )
        model = fasttext.train_supervised(str(lines), dim=8, epoch=10, lr=0.5, bucket=1, thread=1, seed=1, verbose=0)
        model.save_model(str(path))


def word_model(words: Iterable[str]) -> str:
    """A bigram model over words in ARPA format: a word is as likely as it is early in the list, whatever stands before it."""
    ranked = list(dict.fromkeys(words))
    total = sum(1 / (rank + 2) for rank in range(len(ranked)))
    lines = [f"{math.log10(0.9 / (rank + 2) / total):.4f}\t{word}\t0" for rank, word in enumerate(ranked)]
    head = [
        "\\data\\",
        f"ngram 1={len(ranked) + 3}",
        "ngram 2=1",
        "",
        "\\1-grams:",
        "-3\t<unk>",
        "-99\t<s>\t0",
        "-1\t</s>",
    ]
    return "\n".join([*head, *lines, "", "\\2-grams:", "-1\t<s> the", "", "\\end\\", ""])
