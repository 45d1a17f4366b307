"""C4 and FineWeb: decision, reason and text are datatrove's; sentences are nearly always spaCy's."""

from __future__ import annotations

import random
from typing import Any

import pyarrow as pa
import pytest

from curation.rules.apply import apply
from schemas.rules import C4, FineWeb
from tests.conftest import WORDS
from tests.curation.rules.plain.sentences import count_sentences
from tests.curation.rules.test_gopher_quality import TEXTS

peers = pytest.importorskip("datatrove.pipeline.filters", reason="the peer comes with `make test`")


def our_tokenizer() -> Any:
    """Our words and sentences as a tokenizer of datatrove, so that rules are compared apart from them."""
    from datatrove.utils.word_tokenizers import WordTokenizer

    class Ours(WordTokenizer):
        def word_tokenize(self, text: str) -> list[str]:
            return text.split()

        def sent_tokenize(self, text: str) -> list[str]:
            return ["s"] * count_sentences(text)

        def span_tokenize(self, text: str) -> list[tuple[int, int]]:
            return [(i, i + 1) for i in range(count_sentences(text))]  # only counted

    return Ours("en")


def made(n: int) -> list[str]:
    """Pages of lines that C4 keeps, drops and cleans."""
    draw = random.Random(7)
    odd = [
        "Please enable JavaScript to see this page.",
        "We use cookies on this site, see our privacy policy.",
        "Short one.",
        "It has no end mark at all here",
        "This goes on and on...",
        "He said that it was over.[12] [edit]",
        "Mr. Smith, of the U.S. office, came at 5 p.m. yesterday.",
        "x" * 1001 + " is a long word.",
        '  indented and quoted "so it ends"',
        "• a list",
        "",
        "\x85 odd \x1c separators are lines too.",
        "日本語の文章です。もう一つ。",
    ]
    pages = []
    for _ in range(n):
        lines = []
        for _ in range(draw.randrange(0, 14)):
            words = " ".join(draw.choice(WORDS) for _ in range(draw.randrange(1, 14)))
            mark = draw.choice([".", ".", ".", "!", "?", "...", "", '."', "'", ".'", ". And then?"])
            lines.append(draw.choice(odd) if draw.random() < 0.3 else words.capitalize() + mark)
        if draw.random() < 0.08:
            lines.append(draw.choice(["Lorem ipsum dolor sit amet.", "if (x) { return y; } is code."]))
        if draw.random() < 0.3 and lines:
            lines += draw.choices(lines, k=draw.randrange(1, 4))
        pages.append(draw.choice(["\n", "\n", "\r\n", "\n\n"]).join(lines))
    return pages


PAGES = [*made(1200), *TEXTS, "", " ", "\n\n"]


def ours(text: str, rule: C4 | FineWeb) -> tuple[str | None, str]:
    verdicts = apply(pa.table({"text": pa.array([text], pa.large_string())}), [rule])
    code = int(verdicts.rule[0])
    return (None if code < 0 else verdicts.reasons[code]), verdicts.texts[0].as_py()


@pytest.mark.peer
@pytest.mark.parametrize("punctuation", [True, False])
def test_c4_equals_datatrove(punctuation: bool) -> None:
    from datatrove.data import Document

    peer = peers.C4QualityFilter(filter_no_terminal_punct=punctuation, language=our_tokenizer())
    seen = set()
    for text in PAGES:
        document = Document(text=text, id="x")
        said = peer.filter(document)
        reason, left = ours(text, C4(terminal_punctuation=punctuation))
        assert reason == (said[1] if isinstance(said, tuple) else None), text
        if reason is None:
            assert left == document.text
        seen.add(reason)
    assert seen == {None, "too_few_sentences", "lorem_ipsum", "curly_bracket"}


@pytest.mark.peer
def test_fineweb_equals_datatrove() -> None:
    from datatrove.data import Document

    peer = peers.FineWebQualityFilter(language=our_tokenizer())
    seen = set()
    for text in PAGES:
        said = peer.filter(Document(text=text, id="x"))
        reason, left = ours(text, FineWeb())
        assert reason == (said[1] if isinstance(said, tuple) else None), text
        assert left == text
        seen.add(reason)
    assert seen == {None, "empty", "line_punct_ratio", "short_line_ratio", "char_dup_ratio", "list_ratio"}


@pytest.mark.peer
def test_sentences_are_those_of_spacy() -> None:
    import spacy

    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    lines = [line.strip() for text in PAGES for line in text.splitlines() if line.strip()]
    lines += [
        'He slept! "Why?" she asked. (No one knew.) The end.',
        "See e.g. the U.S. case of J. R. Smith vs. Jones. It cost 3.50 dollars.",
        "One.Two is glued. a!b is one.",
        "Version 2.0. Then 3. And more?! Yes.",
        'NASA. It flew. Wait... what? "Quoted." Next one.',
    ]
    same = sum(len(list(nlp(line).sents)) == count_sentences(line) for line in lines)
    assert same / len(lines) > 0.995, f"{same} of {len(lines)}"


def test_edits_are_counted_and_a_dropped_text_stays() -> None:
    good = "This is a line that stays here.\n" * 5 + "We use cookies on this site.\nno end"
    verdicts = apply(pa.table({"text": pa.array([good, "one {"], pa.large_string())}), [C4()])
    assert verdicts.texts.to_pylist() == [("This is a line that stays here.\n" * 5).strip(), "one {"]
    assert verdicts.edits == {"c4_policy": (1, 1), "c4_no_terminal_punctuation": (1, 1)}
    assert verdicts.rule[0] == -1
    assert verdicts.reasons[verdicts.rule[1]] == "too_few_sentences"
