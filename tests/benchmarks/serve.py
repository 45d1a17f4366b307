"""`syllabus serve` from its start until `curate` and until every deployment is there: `python -m tests.benchmarks.serve`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error

from tests.benchmarks.start import ROOT
from tests.serving import ask, free_port


def main() -> None:
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT")}
        environment |= {"PREFECT_HOME": folder, "PREFECT_SERVER_API_PORT": str(port), "PYTHONPATH": str(ROOT)}
        started = time.perf_counter()
        served = subprocess.Popen(
            [sys.executable, "-m", "flows.cli", "serve"], env=environment, stdout=subprocess.PIPE, text=True
        )
        assert served.stdout is not None
        said: dict[str, float] = {}
        os.set_blocking(served.stdout.fileno(), False)
        while "ready" not in said:
            for line in iter(served.stdout.readline, ""):
                if "ready" in line:
                    said["ready"] = time.perf_counter() - started
            if "curate" not in said:
                try:
                    names = [one["name"] for one in ask(f"http://127.0.0.1:{port}", "deployments/filter")]
                    if "curate" in names:
                        said["curate"] = time.perf_counter() - started
                except (urllib.error.URLError, OSError):
                    pass
            time.sleep(0.2)
        served.send_signal(signal.SIGINT)
        served.wait()
        print(f"curate after {said.get('curate', float('nan')):.1f} s, all deployments after {said['ready']:.1f} s")


if __name__ == "__main__":
    main()
