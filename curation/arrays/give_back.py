"""Memory that is free goes back to the system. Importing this bounds how many heaps glibc keeps."""

from __future__ import annotations

import ctypes

import pyarrow as pa

M_ARENA_MAX, ARENAS = -8, 4
"""By default glibc makes eight heaps a core and gives each to a thread, as threads come; the end of a heap that is not the first
is never given back, some 20 MB in each: more than a quarter of all that a run held. (mallopt(3))"""

_libc = ctypes.CDLL(None)
if hasattr(_libc, "mallopt"):
    _libc.mallopt(M_ARENA_MAX, ARENAS)


def give_back() -> None:
    """Arrow's pool and the C library keep what was freed for the next, who may want it in other sizes: over a run's stages that
    came to a quarter of all that was held."""
    pa.default_memory_pool().release_unused()
    if hasattr(_libc, "malloc_trim"):  # glibc's; other C libraries have none
        _libc.malloc_trim(0)
