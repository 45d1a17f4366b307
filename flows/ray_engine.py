"""Ray as a task runner, quiet: no dashboard, no usage statistics, nothing of its workers' logs on the terminal."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import tempfile
from typing import Any

from prefect_ray.task_runners import RayTaskRunner

from schemas.errors import RecipeError

OBJECT_STORE_BYTES = 100 << 20
"""Tasks hand on paths and counts: Ray's default, a third of the memory, is not needed."""


class RayRunner(RayTaskRunner[Any]):
    """Prefect's runner for Ray: on a cluster that it starts and ends, or on one that runs. Workers enter it as well, and
    find Ray running."""

    @classmethod
    def local(cls, workers: int) -> RayRunner:
        """On a cluster of this machine with so many workers, for the duration of a flow run."""
        return cls(
            init_kwargs={
                "address": "local",  # without it: whatever cluster was last started on this machine
                "num_cpus": workers,
                "include_dashboard": False,
                "object_store_memory": OBJECT_STORE_BYTES,
            }
        )

    @classmethod
    def at(cls, address: str) -> RayRunner:
        """On a running cluster."""
        return cls(address=address)

    def __enter__(self) -> RayRunner:
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        self._folder: str | None = None
        if self.address is None and "RAY_AUTH_MODE" not in os.environ:
            # Its ports are open to the network. A token of this run's own, before Ray is imported and reads it: Ray
            # would write one to the home folder.
            os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
        import ray
        from ray._private import worker

        if ray.is_initialized():
            super().__enter__()
            return self
        # What became of a worker is told by the task's state; Ray would print it among our results as well.
        worker._worker_logs_enabled = False
        self.init_kwargs |= {"log_to_driver": False, "logging_level": logging.CRITICAL}
        if self.address is None:
            self.init_kwargs["_temp_dir"] = self._folder = tempfile.mkdtemp(prefix="ray-")
        try:
            super().__enter__()
        except Exception as error:
            self._remove_folder()
            what = (
                "no local Ray cluster came up" if self.address is None else f"Ray does not answer at {self.address!r}"
            )
            raise RecipeError("engine.address", f"{what}: {error}") from error
        return self

    def __exit__(self, *exc_info: Any) -> None:
        try:
            super().__exit__(*exc_info)
        finally:
            self._remove_folder()

    def _remove_folder(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
