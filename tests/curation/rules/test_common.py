"""The kernels say what the rules in plain Python say: decision, value, text and edits, of any text."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from curation.arrays.arrow_text import as_text
from curation.rules.apply import FUNCTIONS, apply
from curation.rules.measured import Block
from schemas import rules as models
from tests.curation.rules.plain import dclm, dolma
from tests.curation.rules.plain.c4_quality import c4_quality
from tests.curation.rules.plain.fineweb_quality import fineweb_quality
from tests.curation.rules.plain.gopher_quality import gopher_quality
from tests.curation.rules.plain.gopher_repetition import gopher_repetition
from tests.curation.rules.plain.refinedweb_lines import refinedweb_lines
from tests.curation.rules.texts import batches, table

TOP, REPEATED = (2, 3, 4), (5, 6, 7, 8, 9, 10)
LAX = {"min_doc_words": 2, "min_avg_word_length": 1.5, "min_alpha_words_ratio": 0.2, "min_stop_words": 1}
DECIDING = [
    (models.GopherQuality(), gopher_quality),
    (models.GopherQuality(**LAX), gopher_quality),
    (models.GopherRepetition(), gopher_repetition),
    (models.GopherRepetition(max_dup_line_frac=None, max_dup_para_frac=None, top_n_grams={2: 0.6}), gopher_repetition),
    (models.GopherRepetition(top_n_grams={}, dup_n_grams={5: 0.3, 7: 0.2}), gopher_repetition),
    (models.FineWeb(), fineweb_quality),
    (models.FineWeb(min_line_punct_ratio=None, max_short_line_ratio=None), fineweb_quality),
]
OPEN = {"terminal_punctuation": False, "min_words_per_line": None, "min_sentences": None}
REWRITING = [
    (models.C4(), c4_quality),
    (models.C4(**OPEN), c4_quality),
    (models.C4(terminal_punctuation=False, min_sentences=2, max_word_length=8, lorem_ipsum=False), c4_quality),
    (models.RefinedWebLines(), refinedweb_lines),
    (models.RefinedWebLines(max_removed_words=None), refinedweb_lines),
]
MEASURING = [
    (models.DclmQuality(), dclm.quality),
    (models.DclmRepetition(), lambda text: dclm.repetition(text, TOP, REPEATED)),
    (models.DolmaGopher(), lambda text: dolma.gopher(text, TOP, REPEATED)),
]
thorough = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def same(said: Any, verdicts: Any, row: int) -> bool:
    code = int(verdicts.rule[row])
    if said is None or code < 0:
        return said is None and code < 0
    name, value, bound = said
    measured = float(verdicts.value[row])
    return (
        name == verdicts.reasons[code]
        and bound == verdicts.threshold[row]
        and (measured == value or math.isclose(measured, value, rel_tol=1e-12))
    )


@pytest.mark.parametrize(("rule", "plain"), DECIDING)
@thorough
@given(batches)
def test_decisions(rule: Any, plain: Any, texts: list[str]) -> None:
    verdicts = apply(table(*texts), [rule])
    for row, text in enumerate(texts):
        assert same(plain(text, text.split(), rule), verdicts, row), text


@pytest.mark.parametrize(("rule", "plain"), REWRITING)
@thorough
@given(batches)
def test_rewritten_texts(rule: Any, plain: Any, texts: list[str]) -> None:
    verdicts = apply(table(*texts), [rule])
    edits: dict[str, list[int]] = {}
    for row, text in enumerate(texts):
        left, said, edited = plain(text, rule)
        assert same(said, verdicts, row), text
        assert verdicts.texts[row].as_py() == left
        for name, places in Counter(edited).items():
            both = edits.setdefault(name, [0, 0])
            both[0] += 1
            both[1] += places
    assert verdicts.edits == {name: tuple(both) for name, both in edits.items()}


@pytest.mark.parametrize(("rule", "plain"), MEASURING)
@thorough
@given(batches)
def test_measured_values(rule: Any, plain: Any, texts: list[str]) -> None:
    documents = table(*texts)
    block = Block(as_text(documents["text"]), np.ones(len(texts), dtype=bool), documents)
    measured = FUNCTIONS[type(rule)](block, rule)
    wanted = [[np.nan if value is None else value for value in plain(text)] for text in texts]
    np.testing.assert_allclose(measured.values, np.array(wanted, dtype=float), rtol=1e-12)


@pytest.mark.parametrize(
    "text", ["", " ", "\n", "\0", "x" * 3_000_000, "\n" * 100_000, "\u200b", "!" * 60, "a\nb\n" * 50_000]
)
def test_bad_texts_have_a_verdict(text: str) -> None:
    every = [model() for model in FUNCTIONS if model not in (models.UrlFilter, models.BadWords, models.Custom)]
    verdicts = apply(table(text, "beside it"), every, verdicts="all")
    assert verdicts.rule[0] >= 0
    assert len(verdicts.texts) == 2
