"""Memory that is free goes back to the system."""

from __future__ import annotations

import ctypes
from functools import cache

import pyarrow as pa


def give_back() -> None:
    """Arrow's pool and the C library keep what was freed for the next, who may want it in other sizes: over a run's stages that
    came to a quarter of all that was held."""
    pa.default_memory_pool().release_unused()
    trim = _malloc_trim()
    if trim is not None:
        trim(0)


@cache
def _malloc_trim() -> ctypes._NamedFuncPointer | None:
    """glibc's; other C libraries have none."""
    return getattr(ctypes.CDLL(None), "malloc_trim", None)
