"""UL2's denoisers."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import pytest

from curation.methods.formatters.modes import draw_denoisers
from schemas.formatters import UL2, Modes
from tests.conftest import Vector
from tests.curation.methods.formatters.common import documents, written

TEXT = " ".join(f"w{i}" for i in range(200))


def test_hidden_words_and_spans(vector: Vector) -> None:
    words = documents([" ".join(f"w{i}" for i in range(512))])
    for case, denoiser in zip(vector("ul2.denoisers")["output"], UL2, strict=True):
        [[mode, _, answer]] = written(words, method="modes", denoisers=[denoiser.model_dump()], end="")
        assert mode[0].strip() == case["mode"]
        hidden = answer[0].split()
        spans = [word for word in hidden if word.startswith("<extra_id_")]
        assert len(hidden) - len(spans) == case["noise_tokens_at_L512"]
        assert max(len(spans), 1) == case["num_spans_at_L512"]


def test_a_prefix_language_model_hides_the_end(vector: Vector) -> None:
    given = vector("ul2.format")
    text = " ".join(given["input"]["tokens"])
    denoiser = {"mode": "[S2S]", "span": None, "rate": 0.3}
    [[mode, content, answer]] = written(documents([text]), method="modes", denoisers=[denoiser])
    assert (mode[0] + content[0]).split() == [*given["output"]["S_inputs"][:-1], "</s>"]
    assert answer[0].replace("</s>", " </s>").split() == given["output"]["S_targets"]
    assert [mode[1:], content[1:], answer[1:]] == [("mode", False), ("content", False), ("answer", True)]


def test_hidden_spans_and_what_is_kept_make_the_text() -> None:
    denoiser = {"mode": "[NLU]", "span": 3, "rate": 0.15}
    [[mode, content, answer]] = written(documents([TEXT]), method="modes", denoisers=[denoiser], end="")
    assert mode[0] == "[NLU] "
    kept = re.split(r"<extra_id_\d+> ", content[0])
    hidden = re.split(r"<extra_id_\d+> ", answer[0])[1:]
    assert "".join(a + b for a, b in zip(kept, [*hidden, ""], strict=False)) == TEXT
    assert len(" ".join(hidden).split()) == 30
    assert len(hidden) == 10
    assert kept[0].startswith("w0")


def test_spans_follow_from_seed_phase_and_id_alone() -> None:
    several = documents([TEXT] * 5)
    assert written(several, method="modes")[3] == written(several.slice(3), method="modes")[0]
    assert written(several, method="modes") != written(several, seed=1, method="modes")
    assert written(several, method="modes") != written(several, phase="q", method="modes")


@pytest.mark.parametrize("text", ["one", "", "  ", "漢字です", "a b"])
def test_short_texts(text: str) -> None:
    written(documents([text]), method="modes")


def test_denoisers_are_drawn_by_their_weights() -> None:
    weighted = [d.model_copy(update={"weight": w}) for d, w in zip(UL2, [1, 1, 1, 0, 0, 0, 1], strict=True)]
    drawn = Counter(
        draw_denoisers(Modes(method="modes", denoisers=weighted), np.linspace(0.0001, 0.9999, 4000)).tolist()
    )
    assert set(drawn) == {0, 1, 2, 6}
    assert max(drawn.values()) - min(drawn.values()) < 5
