"""Formatters over lists that belong together: timelines, experiences, budgets; and words that are masked."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.methods import formatters
from schemas.errors import RecipeError
from tests.curation.methods.formatters.common import PARSE, documents, written

TIMELINE = {"method": "timeline", "texts": "said", "stream": "streams", "start": "starts", "end": "ends"}


def spoken(items: list[tuple[str, float, float, str]]) -> dict[str, Any]:
    return {
        "streams": [[one[0] for one in items]],
        "starts": [[f"{one[1]}" for one in items]],
        "ends": [[f"{one[2]}" for one in items]],
        "said": [[one[3] for one in items]],
    }


def test_chunks_come_in_the_order_of_their_times() -> None:
    items = [
        ("user_text", 0.0, 3.0, "a b c d e f"),
        ("model_text", 1.5, 2.5, "w x y z"),
        ("user_speech", 0.0, 3.0, " ".join(f"u{n}" for n in range(15))),
    ]
    [row] = written(documents(["-"], **spoken(items)), **TIMELINE)
    assert [(text.strip(), kind) for text, kind, _ in row] == [
        ("a b", "user_text"),
        ("u0 u1 u2 u3 u4 u5 u6 u7 u8 u9", "user_speech"),
        ("c d", "user_text"),
        ("w x", "model_text"),
        ("e f", "user_text"),
        ("u10 u11 u12 u13 u14", "user_speech"),
        ("y z", "model_text"),
    ]
    assert all(loss == kind.startswith("model") for _, kind, loss in row)
    fewer = {"user_speech": {"chunk": 5}, "model_text": {"chunk": 4, "loss": False}}
    [row] = written(documents(["-"], **spoken(items)), **TIMELINE, streams=fewer)
    assert [kind for _, kind, _ in row] == ["user_speech", "user_speech", "model_text", "user_speech"]
    assert not any(loss for *_, loss in row)


streams = st.sampled_from(["user_text", "user_speech", "model_text", "model_speech"])
words = st.lists(st.text("abcé漢", min_size=1, max_size=4), min_size=1, max_size=25).map(" ".join)
item = st.tuples(streams, st.integers(0, 50), st.integers(0, 20), words)


@given(st.lists(item, min_size=1, max_size=8))
def test_no_word_of_a_stream_is_lost_or_moved(items: list[tuple[str, int, int, str]]) -> None:
    """Of items of one stream that follow each other in time, words keep their order."""
    spaced = [
        (s, float(100 * n + start), float(100 * n + start + long), text)
        for n, (s, start, long, text) in enumerate(items)
    ]
    [row] = written(documents(["-"], **spoken(spaced)), **TIMELINE)
    for stream in {one[0] for one in spaced}:
        got = [word for text, kind, _ in row if kind == stream for word in text.split()]
        assert got == [word for one in spaced if one[0] == stream for word in one[3].split()]


def refused(table: pa.Table, **fields: Any) -> dict[int, str]:
    return formatters.render(table, PARSE.validate_python(fields), seed=0, phase="p").refused


def test_what_cannot_be_written_is_refused_with_its_reason() -> None:
    good = spoken([("user_text", 0, 1, "a b")])
    rows = {name: values * 5 for name, values in good.items()}
    rows["streams"] = [["user_text"], ["nobody"], ["user_text", "user_text"], ["user_text"], []]
    rows["starts"] = [["0"], ["0"], ["0"], ["2"], []]
    rows["ends"], rows["said"] = [["1"], ["1"], ["1"], ["nan"], []], [["a b"], ["a"], ["a"], ["a"], []]
    table = documents(["-"] * 5, **rows)
    found = refused(table, **TIMELINE)
    assert sorted(found) == [1, 2, 3, 4]
    assert "stream is none of user_text" in found[1]
    assert "different lengths" in found[2]
    assert "two numbers in order" in found[3]
    assert "no items" in found[4]
    assert [len(row) for row in written(table, **TIMELINE)] == [1, 0, 0, 0, 0]
    with pytest.raises(RecipeError, match="no tag or built-in name 'times'"):
        written(table, **{**TIMELINE, "start": "times"})


def test_an_experience_as_plan_and_as_question() -> None:
    table = documents(["-"] * 40, goal=["a cup"] * 40, actions=[["take", "put"]] * 40, seen=[["hand", "shelf"]] * 40)
    fields = {"method": "experience", "goal": "goal", "actions": "actions", "observations": "seen"}
    assert written(table, **fields)[0] == [
        ("Goal: a cup\nPlan:\n", "prompt", False),
        ("1. take\n2. put", "answer", True),
    ]
    asked = Counter(tuple(row) for row in written(table, **fields, write="question"))
    first = "Goal: a cup\n1. take\n2. put: shelf\nWhat was seen after step 1?\n"
    second = "Goal: a cup\n1. take: hand\n2. put\nWhat was seen after step 2?\n"
    assert set(asked) == {
        ((first, "prompt", False), ("hand", "answer", True)),
        ((second, "prompt", False), ("shelf", "answer", True)),
    }
    assert min(asked.values()) > 8


def test_budgets_show_some_and_ask_for_others() -> None:
    n = 300
    names = ["rgb", "depth", "edges"]
    tokens = [" ".join(f"{name[0]}{k}" for k in range(30)) for name in names]
    table = documents(["-"] * n, names=[names] * n, tokens=[tokens] * n)
    fields = {"method": "budgets", "texts": "tokens", "modalities": "names", "input_words": 20, "target_words": 10}
    few = written(table, **fields, alpha=dict.fromkeys(names, 0.1))
    many = written(table, **fields, alpha=dict.fromkeys(names, 50.0))
    for row in [*few, *many]:
        shown = [word for text, kind, _ in row if kind == "content" for word in text.split()[1:]]
        asked = [word for text, kind, _ in row if kind == "answer" for word in text.split()[1:]]
        assert len(shown) <= 20
        assert 1 <= len(asked) <= 10
        assert not set(shown) & set(asked)
        assert [loss for *_, loss in row] == sorted(loss for *_, loss in row)
    kinds = lambda rows: np.mean([sum(kind == "content" for _, kind, _ in row) for row in rows])  # noqa: E731
    assert kinds(few) < 1.8
    assert kinds(many) == 3
    assert sorted(refused(table, **fields, alpha={"rgb": 1.0})) == list(range(n))


@given(st.lists(st.text("ab 漢é\n", max_size=60), min_size=1, max_size=5), st.floats(0, 1), st.floats(0.01, 1))
def test_masked_words_cover_the_text(texts: list[str], least: float, most: float) -> None:
    """``written`` holds segments against the text; besides, some word has loss wherever there is one."""
    made = written(documents(texts), method="masked", min_rate=min(least, most), max_rate=max(least, most))
    for text, row in zip(texts, made, strict=True):
        assert all(loss == (kind == "masked") for _, kind, loss in row)
        assert any(loss for *_, loss in row) == bool(text.strip())


def test_the_rate_is_uniform_over_documents_and_another_in_each_epoch() -> None:
    n, words = 2000, 50
    table = documents([" ".join(["word"] * words)] * n)
    rates = [
        sum(len(text.split()) for text, kind, _ in row if kind == "masked") / words
        for row in written(table, method="masked")
    ]
    counts = np.histogram(rates, bins=10, range=(0, 1))[0]
    assert counts.min() > 140
    assert counts.max() < 270
    epochs = [
        written(table.append_column("epoch", pa.array([number] * n, pa.int32())), method="masked") for number in (0, 1)
    ]
    assert sum(one == other for one, other in zip(*epochs, strict=True)) < 40
    half = written(table, method="masked", min_rate=0.5, max_rate=0.5)
    assert np.mean([sum(len(t.split()) for t, k, _ in row if k == "masked") for row in half]) == pytest.approx(
        25, abs=0.5
    )
