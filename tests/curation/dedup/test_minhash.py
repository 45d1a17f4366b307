"""Signatures equal datasketch's bit for bit, and do not depend on the batch."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from datasketch import MinHash as Peer
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.dedup.minhash import EMPTY, NO_KEY, band_keys, shingle_hash, signatures
from schemas.dedup import MinHash
from tests.benchmarks import scripts

PARAMS = MinHash()


def made(texts: list[str], params: MinHash = PARAMS) -> np.ndarray:
    return signatures(pa.array(texts, pa.large_string()), params)


def spelled(i: int) -> str:
    """A word of its own for each number; digits would be normalised to one."""
    return "".join("abcdefghij"[int(digit)] for digit in str(i))


@pytest.mark.parametrize("n", [1, 4, 5, 6, 400])
def test_equals_datasketch(n: int) -> None:
    words = [spelled(i * i % 97) for i in range(n)]
    peer = Peer(num_perm=PARAMS.bands * PARAMS.rows, seed=PARAMS.seed, hashfunc=lambda units: shingle_hash(units))
    for i in range(max(1, n - PARAMS.ngram + 1)):
        peer.update(words[i : i + PARAMS.ngram])
    np.testing.assert_array_equal(made([" ".join(words)])[0].astype(np.uint64), peer.hashvalues.astype(np.uint64))


@given(st.lists(st.text(max_size=200), min_size=1, max_size=6))
@settings(max_examples=40, deadline=None)
def test_a_text_alone_and_in_a_batch(texts: list[str]) -> None:
    together = made(texts)
    for text, row in zip(texts, together, strict=True):
        np.testing.assert_array_equal(made([text])[0], row)


def test_nothing_to_compare_has_no_key() -> None:
    values = made(["", " \n", "a b c d e f"])
    assert (values[:2] == EMPTY).all()
    keys = band_keys(values, PARAMS.bands, PARAMS.rows)
    assert (keys[:2] == NO_KEY).all()
    assert (keys[2] != NO_KEY).all()


def test_similarity_is_near_jaccard() -> None:
    words = [spelled(i) for i in range(1000)]
    other = [*words[:900], *(spelled(i) for i in range(2000, 2100))]
    shingles = [{tuple(x[i : i + 5]) for i in range(996)} for x in (words, other)]
    jaccard = len(shingles[0] & shingles[1]) / len(shingles[0] | shingles[1])
    a, b = made([" ".join(words), " ".join(other)])
    assert abs((a == b).mean() - jaccard) < 0.15


@pytest.mark.parametrize("script", scripts.SCRIPTS)
def test_near_duplicates_are_found_in_every_script(script: str) -> None:
    pairs, found, curve = scripts.recall(script, 120, MinHash())[-1]
    assert pairs > 15
    assert found >= curve - 2
