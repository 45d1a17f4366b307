"""What shows progress."""

from __future__ import annotations

import cloudpickle
from rich.console import Console

from flows import progress


def test_progress_goes_to_other_processes_without_its_terminal() -> None:
    """Prefect sends the flow, and with it what shows its progress, to its worker processes."""
    for one in (progress.terminal(Console()), progress.silent(Console()), progress.silent()):
        sent = cloudpickle.loads(cloudpickle.dumps(one))
        sent.say("nothing")
        with sent.stage("prepare", 2) as advance:
            advance(1)
