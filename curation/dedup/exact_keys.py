"""Keys by which documents are exact copies: their content id, their normalised text, their URL. 16 bytes each; null takes no part."""

from __future__ import annotations

import hashlib
import re
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from blake3 import blake3
from numba import njit, uint64

from curation import turns
from curation.arrays.arrow_text import Bytes, Offsets, as_text, buffers
from curation.dedup.normalise import Tables, mix, restart, tables, words
from curation.methods.groupers.url import without_credentials
from schemas.dedup import Normalise

TRACKING = re.compile(r"^(utm_\w+|gclid|dclid|fbclid|msclkid|mc_cid|mc_eid|igshid|yclid|_ga)=", re.IGNORECASE)
CHUNK = 4096


def normalised_keys(texts: pa.LargeStringArray, options: Normalise) -> pa.Array:
    """A hash of the words that near duplicates are compared by (FineWeb's normalisation): binary(16)[n], null for none."""
    data, offsets = buffers(texts)
    keys, counts = np.zeros((len(texts), 2), dtype=np.uint64), np.zeros(len(texts), dtype=np.int64)
    _hash(data, offsets, tables(options), keys, counts)
    raw = keys.astype("<u8").tobytes()
    made = [raw[16 * i : 16 * i + 16] if count else None for i, count in enumerate(counts.tolist())]
    return pa.array(made, pa.binary(16))


@njit(nogil=True, cache=True)
def _hash(
    data: Bytes,
    offsets: Offsets,
    made: Tables,
    keys: npt.NDArray[np.uint64],
    counts: npt.NDArray[np.int64],
) -> None:
    state = np.zeros(4, dtype=np.uint64)
    found = np.empty(CHUNK, dtype=np.uint64)
    for row in range(len(offsets) - 1):
        end = offsets[row + 1]
        restart(state, offsets[row])
        one, other = uint64(1), uint64(2)
        while np.int64(state[0]) < end:
            n = words(data, end, made, state, found)
            for j in range(n):
                one = mix(one ^ found[j]) + uint64(1)
                other = mix(other + found[j]) ^ one
            counts[row] += n
        keys[row, 0], keys[row, 1] = one, other


def url_keys(urls: pa.Array | pa.ChunkedArray) -> pa.Array:
    """A hash of each URL as ``bare_url`` has it: binary(16)[n], null for none."""
    made = [
        None if url is None else hashlib.blake2b(bare_url(url).encode(), digest_size=16).digest()
        for url in without_credentials(urls).to_pylist()
    ]
    return pa.array(made, pa.binary(16))


def bare_url(url: str) -> str:
    """The URL without scheme, ``www.``, fragment, tracking parameters and closing slash, its host in small letters.

    >>> bare_url("https://www.Example.org/a/?utm_source=x&id=3#top")
    'example.org/a?id=3'
    """
    rest = re.sub(r"^(?:[A-Za-z][A-Za-z0-9+.\-]*:)?//", "", url).partition("#")[0]
    path, _, query = rest.partition("?")
    host, slash, tail = path.partition("/")
    kept = "&".join(part for part in query.split("&") if part and not TRACKING.match(part))
    bare = f"{host.lower().removeprefix('www.')}{slash}{tail}".rstrip("/")
    return f"{bare}?{kept}" if kept else bare


def content_ids(documents: pa.Table) -> pa.Array:
    """32 hex digits a document: BLAKE3, its first 128 bits, of the text, or of prompt and text where there is a prompt, or of
    the whole record where it is made of turns.

    The prompt goes first with its length, so that no two pairs meet.
    """
    if turns.there(documents):
        return turns.record_ids(documents)
    texts, prompts = documents["text"], documents["prompt"]
    if prompts.null_count == len(prompts):
        return text_ids(texts)
    ids = []
    for text, prompt in zip(texts, prompts, strict=True):
        digest = blake3()
        if prompt.is_valid:
            before = prompt.as_buffer()
            digest.update(before.size.to_bytes(8, "little"))
            digest.update(memoryview(before))
        digest.update(memoryview(text.as_buffer()))
        ids.append(digest.hexdigest(16))
    return pa.array(ids, pa.string())


def text_ids(texts: pa.Array | pa.ChunkedArray) -> pa.Array:
    """32 hex digits a text: BLAKE3, its first 128 bits."""
    data, offsets = buffers(as_text(texts))
    view = memoryview(data.data)
    return pa.array([blake3(view[a:b]).hexdigest(16) for a, b in pairwise(offsets.tolist())], pa.string())
