"""The only source of randomness: generators and per-record keys that follow from names, never from positions.

Two runs that name the same (seed, names) draw the same numbers, whatever the order of files, the number of
workers or what else was drawn. Records get one key each from their id, so that a permutation sorted by key does
not depend on where a record stood.
"""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

AT_ONCE = 1 << 18
"""Records that are mixed at once: what is in between stays near the processor."""


def _state(seed: int, names: tuple[str | int, ...]) -> bytes:
    """A 16-byte digest of the seed and the names, each with its length, so that no two lists meet."""
    digest = hashlib.blake2b(digest_size=16)
    for part in (str(seed), *map(str, names)):
        encoded = part.encode()
        digest.update(len(encoded).to_bytes(4, "little"))
        digest.update(encoded)
    return digest.digest()


def rng(seed: int, *names: str | int) -> np.random.Generator:
    """A PCG64 generator for (seed, names), for draws that belong to a phase or a group.

    >>> int(rng(0, "web", "shuffle", 0).integers(1000)) == int(rng(0, "web", "shuffle", 0).integers(1000))
    True
    """
    return np.random.Generator(np.random.PCG64(int.from_bytes(_state(seed, names), "little")))


def keys(seed: int, *names: str | int, ids: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """One uniform 64-bit key a record: a hash of (seed, names, id), elementwise.

    ids: uint64[n] (the first 8 bytes of the content hash) or uint64[n, 2] (all 16). Returns uint64[n].
    The mixer is SplitMix64's finaliser (Steele et al. 2014), applied to each word of the id with the state of the
    names folded in, so that keys of different names are independent.
    """
    state = _state(seed, names)
    words = (ids if ids.ndim == 2 else ids[:, None]).astype(np.uint64, copy=False)
    result = np.full(len(ids), int.from_bytes(state[:8], "little"), dtype=np.uint64)
    salt = np.uint64(int.from_bytes(state[8:], "little"))
    with np.errstate(over="ignore"):
        for start in range(0, len(ids), AT_ONCE):
            key = result[start : start + AT_ONCE]
            for column in range(words.shape[1]):
                key = _mix(key ^ words[start : start + AT_ONCE, column]) + salt
            result[start : start + AT_ONCE] = _mix(key)
    return result


def uniforms(key: npt.NDArray[np.uint64]) -> npt.NDArray[np.float64]:
    """Keys as numbers in (0, 1), 53 bits, never 0 or 1: float64[n]."""
    return ((key >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53


def gumbels(key: npt.NDArray[np.uint64]) -> npt.NDArray[np.float64]:
    """Keys as standard Gumbel noise: float64[n]. The top k of log w + noise is a weighted draw without replacement."""
    return -np.log(-np.log(uniforms(key)))


def _mix(x: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
