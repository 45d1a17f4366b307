"""What other models said of the example pages: a classifier of topics, a table of formats, a language model of words, a teacher."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import fasttext
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

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


LIKELIEST = 4
"""Tokens that the teacher names for each place (SALT: 10)."""


def tokenizer(texts: Iterable[str]) -> Tokenizer:
    """A byte-level BPE of 700 tokens, the first three begin, end and pad."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=700,
        special_tokens=["<s>", "</s>", "<pad>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator(texts, trainer)
    return made


def taught(pages: Iterable[dict[str, Any]], cut: Tokenizer) -> Iterator[dict[str, Any]]:
    """Pages with what a teacher and a student say of each token: the teacher's likeliest tokens, the token that stands there nearly
    always among them, and their probabilities; the student's loss, and whether the token is in its reach."""
    draw = Random("taught")
    for page in pages:
        ids = cut.encode(page["text"], add_special_tokens=False).ids
        sure, hard = draw.uniform(0.35, 0.95), draw.uniform(0.3, 3.5)
        likeliest, probabilities = [], []
        for token in ids:
            others = draw.sample(range(256, cut.get_vocab_size()), LIKELIEST)
            named = (
                [token, *(other for other in others if other != token)][:LIKELIEST] if draw.random() < 0.97 else others
            )
            first = min(max(draw.gauss(sure, 0.05), 0.3), 0.97)
            likeliest.append(named)
            probabilities.append(
                [round(first, 4), *(round((1 - first) * 0.6**n / 2.5, 4) for n in range(1, LIKELIEST))]
            )
        yield {
            "id": page["id"],
            "text": page["text"],
            "teacher_ids": likeliest,
            "teacher_probabilities": probabilities,
            "confidence": round(sum(one[0] for one in probabilities) / len(ids), 4),
            "token_losses": [round(draw.expovariate(1 / hard), 3) for _ in ids],
            "in_reach": [int(draw.random() < 0.8) for _ in ids],
        }
