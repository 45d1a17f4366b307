"""NFC equals the character database's own normalisation on every row; rows that need nothing are not touched."""

import sys
import unicodedata

import ftfy
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.arrays.arrow_text import buffers
from curation.cleaning.unicode import _not_surely_nfc, _unstable, normalise


def column(texts: list[str]) -> pa.LargeStringArray:
    return pa.array(texts, pa.large_string())


def assigned(text: str) -> bool:
    return all(unicodedata.category(c) != "Cn" for c in text)


@settings(deadline=None)
@given(st.lists(st.text()))
def test_nfc_equals_the_database(texts: list[str]) -> None:
    got = normalise(column(texts), "nfc").to_pylist()
    for text, result in zip(texts, got, strict=True):
        if assigned(text):  # of unassigned code points the libraries may know more than this Python
            assert result == unicodedata.normalize("NFC", text)


def test_every_code_point_after_a_letter_and_before_an_accent() -> None:
    codes = [c for c in range(sys.maxunicode + 1) if not 0xD800 <= c < 0xE000 and assigned(chr(c))]
    texts = ["e" + chr(c) for c in codes] + [chr(c) + "\u0301" for c in codes]
    assert normalise(column(texts), "nfc").to_pylist() == [unicodedata.normalize("NFC", text) for text in texts]


def test_conjoining_hangul() -> None:
    text = "\u1112\u1161\u11ab\u1100\u1173\u11af"
    assert normalise(column(["x", text]), "nfc").to_pylist() == ["x", "한글"]


def test_rows_in_form_are_not_touched() -> None:
    texts = column(["plain", "schön", "日本語のテキスト", "русский", "한국어", "😀 ok", ""])
    assert normalise(texts, "nfc") is texts
    assert not _not_surely_nfc(*buffers(texts), _unstable()).any()  # the fast path took them all


def test_no_suspect_is_missed() -> None:
    texts = column(["e\u0301", "\u212b", "\u0374", "a\u0327\u0301", "\u0958", "\U0001d15e", "\u2000"])
    assert _not_surely_nfc(*buffers(texts), _unstable()).all()


def test_a_slice_keeps_its_rows() -> None:
    texts = column(["e\u0301", "b", "o\u0308", "d"]).slice(1, 2)
    assert normalise(texts, "nfc").to_pylist() == ["b", "ö"]


@settings(deadline=None)
@given(st.lists(st.text(alphabet=st.sampled_from("aé&;<lt\x00\x1b[\r\n\tâ€™“ﬁ\u200b~\x7f "))))
def test_ftfy_equals_ftfy(texts: list[str]) -> None:
    assert normalise(column(texts), "ftfy").to_pylist() == [ftfy.fix_text(text) for text in texts]


def test_ftfy_mends_mojibake() -> None:
    assert normalise(column(["schÃ¶n", "fine"]), "ftfy").to_pylist() == ["schön", "fine"]


@pytest.mark.parametrize("form", ["nfc", "ftfy", "none"])
def test_nothing_in_nothing_out(form: str) -> None:
    assert normalise(column([]), form).to_pylist() == []  # type: ignore[arg-type]


def test_none_changes_nothing() -> None:
    texts = column(["e\u0301", "\x00"])
    assert normalise(texts, "none") is texts


def test_the_table_knows_that_ascii_is_stable() -> None:
    assert not _unstable()[:0x300].any()
    assert isinstance(_unstable(), np.ndarray)
