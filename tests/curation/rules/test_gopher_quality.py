"""Decision and reason of the Gopher rules are datatrove's, on made texts of many kinds."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest

from curation.rules.apply import apply
from schemas.rules import GopherQuality, GopherRepetition
from tests.conftest import WORDS

peers = pytest.importorskip("datatrove.pipeline.filters", reason="the peer comes with `make test`")


def made(n: int) -> list[str]:
    """Texts that each break some rule a little, or none."""
    draw = random.Random(3)
    result = []
    for _ in range(n):
        kind = draw.randrange(8)
        vocabulary = draw.sample(WORDS, draw.choice([3, 10, len(WORDS)])) + (["#", "..."] if kind == 1 else [])
        lines = []
        for _ in range(draw.randrange(1, 30)):
            line = " ".join(draw.choice(vocabulary) for _ in range(draw.randrange(1, 20)))
            line = "- " + line if kind == 2 else line + "..." if kind == 3 else line
            lines.append(line)
            if kind == 4 and draw.random() < 0.4:
                lines.append(draw.choice(lines))
            if kind == 5 and draw.random() < 0.3:
                lines += ["", draw.choice(lines)]
            if kind == 6:
                lines.append(" ".join(str(draw.randrange(10**6)) for _ in range(8)))
        result.append("\n".join(lines))
    return result


TEXTS = [*made(400), "a", "!!! ???", "日本語の文章です。" * 30]


def reasons(texts: list[str], rule: GopherQuality | GopherRepetition) -> list[str | None]:
    verdicts = apply(pa.table({"text": pa.array(texts, pa.large_string())}), [rule])
    return [None if code < 0 else verdicts.reasons[code] for code in verdicts.rule]


@pytest.mark.peer
@pytest.mark.parametrize("name", ["GopherQualityFilter", "GopherRepetitionFilter"])
def test_equals_datatrove(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from datatrove.data import Document

    module = {
        "GopherQualityFilter": "datatrove.pipeline.filters.gopher_quality_filter",
        "GopherRepetitionFilter": "datatrove.pipeline.filters.gopher_repetition_filter",
    }[name]
    peer = getattr(peers, name)()
    monkeypatch.setattr(f"{module}.split_into_words", lambda text, _language: text.split(), raising=False)
    peer.tokenizer = type("Split", (), {"word_tokenize": staticmethod(str.split)})()
    rule = GopherQuality() if name == "GopherQualityFilter" else GopherRepetition()
    found = reasons(TEXTS, rule)
    for text, ours in zip(TEXTS, found, strict=True):
        said = peer.filter(Document(text=text, id="x"))
        theirs = said[1] if isinstance(said, tuple) else (None if said else "dropped")
        assert ours == theirs
    assert len(set(found)) > 4


def test_a_rule_that_is_null_is_off() -> None:
    off = GopherQuality(min_doc_words=None, min_stop_words=None, min_avg_word_length=None)
    assert reasons(["a b"], off) == [None]
