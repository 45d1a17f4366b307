"""What a test of reliability puts into every Python process that it starts, through PYTHONPATH: faults at named places.

KILL_WORKERS=FOLDER: the first worker that runs a piece of a stage is killed at it, once a stage; a file of the stage's name in the
folder says so. BLOCK_BITS=N: documents a block of the global steps, 2^N, so that few documents make many ranges.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any


def _kill_workers(module: Any) -> None:
    run_piece = module.run_piece

    def dying(stage: Any, work: Any, piece: int) -> Any:
        # Dask's and Prefect's workers are children of multiprocessing; Ray's have a program of their own.
        if multiprocessing.parent_process() is not None or any("default_worker" in one for one in sys.orig_argv):
            try:
                os.close(os.open(os.path.join(os.environ["KILL_WORKERS"], stage.name), os.O_CREAT | os.O_EXCL))
                os.kill(os.getpid(), signal.SIGKILL)
            except FileExistsError:
                pass
        return run_piece(stage, work, piece)

    module.run_piece = dying


def _block_bits(module: Any) -> None:
    module.BLOCK_BITS = int(os.environ["BLOCK_BITS"])


FAULTS: dict[str, tuple[str, Callable[[Any], None]]] = {
    "KILL_WORKERS": ("curation.releases.work", _kill_workers),
    "BLOCK_BITS": ("curation.dedup.clusters", _block_bits),
}


class _Injecting(importlib.abc.MetaPathFinder):
    """Finds a module as the others do, and puts the fault in once it has been imported."""

    def __init__(self, wanted: dict[str, Callable[[Any], None]]):
        self.wanted = wanted

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        fault = self.wanted.pop(name, None)
        if fault is None:
            return None
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.loader is not None
        execute = spec.loader.exec_module

        def then_fault(module: ModuleType) -> None:
            execute(module)
            fault(module)

        spec.loader.exec_module = then_fault  # type: ignore[method-assign]
        return spec


if wanted := {module: fault for name, (module, fault) in FAULTS.items() if name in os.environ}:
    sys.meta_path.insert(0, _Injecting(wanted))
