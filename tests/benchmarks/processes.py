"""A piece of work in a process of its own, and the most memory that a process held."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
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
    """What ``work`` says, run in a process of its own."""
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=_run, args=(work, given, queue))
    process.start()
    said = queue.get()
    process.join()
    return said


def _run(work: Callable[..., Any], given: tuple[Any, ...], queue: Any) -> None:
    queue.put(work(*given))
