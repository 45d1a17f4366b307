"""Bad words: whole words in most languages, anywhere in those without spaces."""

from __future__ import annotations

from pathlib import Path

import pytest

from curation.rules.apply import apply
from schemas.rules import BadWords
from tests.curation.rules.texts import table


@pytest.mark.parametrize(
    ("language", "text", "dropped"),
    [
        ("en", "a Darn shame", True),
        ("en", "darned if I know", False),
        ("en", "two  words here: bad phrase.", True),
        ("en", "c++ is a language (C++)", True),
        ("en", "edarn é darné", False),
        ("ja", "これは禁句です", True),
        ("fr", "darn", False),
        (None, "darn", True),
    ],
)
def test_words(tmp_path: Path, language: str | None, text: str, dropped: bool) -> None:
    (tmp_path / "en").write_text("darn\nbad phrase\nc++\n")
    (tmp_path / "ja").write_text("禁句\n")
    rule = BadWords(lists={"en": str(tmp_path / "en"), "ja": str(tmp_path / "ja")})
    assert bool(apply(table(text, language=[language]), [rule]).rule[0] == 0) is dropped


@pytest.mark.peer
def test_equals_datatrove(tmp_path: Path) -> None:
    import re

    words = ["darn", "bad phrase", "c++"]
    (tmp_path / "en").write_text("\n".join(words))
    peer = re.compile(r"(?:\W|^)({})(?:\W|$)".format("|".join(map(re.escape, words))))  # C4BadWordsFilter's
    rule = BadWords(lists={"en": str(tmp_path / "en")})
    texts = [
        a + b + c
        for a in ("", " ", "x", "_", "é", ".")
        for b in ("darn", "DARN", "bad phrase", "C++")
        for c in ("", "s", "-", "1")
    ]
    verdicts = apply(table(*texts, language=["en"] * len(texts)), [rule])
    assert (verdicts.rule == 0).tolist() == [peer.search(text.lower()) is not None for text in texts]
