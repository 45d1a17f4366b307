"""A piece of work in a process of its own, and the most memory that a process held."""

from __future__ import annotations

import importlib.util
import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any


def held_bytes() -> int:
    """What this process holds now; the peak is counted from here on."""
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def peak_bytes() -> int:
    """The most that this process held since ``held_bytes``, or since its start. (getrusage counts its parent's, too.)"""
    return _status("VmHWM")


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def alone(work: Callable[..., Any], *given: Any) -> Any:
    """What ``work`` says, run in a process of its own. Raises what it raises, or RuntimeError where the process was ended."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *given).result()


def without_missing(peers: Sequence[str]) -> list[str]:
    """The peers whose package is installed; the others are named on the terminal."""
    missing = [name for name in peers if importlib.util.find_spec(name) is None]
    if missing:
        print(f"not measured, for they are not installed: {', '.join(missing)} (pip install -e '.[bench]')")
    return [name for name in peers if name not in missing]
