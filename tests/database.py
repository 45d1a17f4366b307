"""A PostgreSQL of the test's own, and a Prefect server that keeps its state there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from glob import glob
from pathlib import Path

from tests.conftest import ROOT
from tests.serving import answers, free_port, missing, until

OWNER = "postgres"
"""The database's programs refuse to run as root; Debian's package brings this user."""


def programs() -> str:
    """The folder of initdb and postgres. Without them the test is skipped, but fails in CI, which installs them."""
    beside = shutil.which("initdb")
    found = [str(Path(beside).parent)] if beside else sorted(glob("/usr/lib/postgresql/*/bin"))
    found = [folder for folder in found if os.access(Path(folder) / "initdb", os.X_OK)]
    if not found:
        missing("no PostgreSQL here; on Debian: apt-get install postgresql")
    return found[-1]


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """A new database in a folder; its URL for Prefect."""
    folder.mkdir(parents=True)
    as_owner = []
    if os.geteuid() == 0:
        shutil.chown(folder, OWNER)
        for above in folder.parents:  # the owner must be able to come to it
            if above.stat().st_uid == 0 and above != Path("/"):
                above.chmod(above.stat().st_mode | 0o055)
        as_owner = ["runuser", "-u", OWNER, "--"]
    bin_, port = programs(), free_port()
    create = [*as_owner, f"{bin_}/initdb", "-D", str(folder / "data"), "-U", OWNER, "--auth=trust", "--encoding=UTF8"]
    subprocess.run(create, check=True, capture_output=True, cwd=folder)
    start = [*as_owner, f"{bin_}/postgres", "-D", str(folder / "data"), "-p", str(port), "-k", str(folder)]
    with (folder.parent / "postgres.log").open("wb") as log:
        database = subprocess.Popen([*start, "-h", "127.0.0.1"], cwd=folder, stdout=log, stderr=log)
    try:
        until(lambda: answers(port), 60, "PostgreSQL does not answer")
        yield f"postgresql+asyncpg://{OWNER}@127.0.0.1:{port}/postgres"
    finally:
        database.terminate()
        database.wait(timeout=60)


@contextmanager
def server(folder: Path, **settings: str) -> Iterator[dict[str, str]]:
    """A Prefect server; the environment of commands that use it."""
    port = free_port()
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT")}
    environment = {
        **plain,
        **settings,
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }
    environment["PREFECT_API_URL"] = f"http://127.0.0.1:{port}/api"
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "server.log").open("wb") as log:
        started = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        until(lambda: answers(port), 120, f"the server does not answer; {folder}/server.log")
        yield environment
    finally:
        started.terminate()
        started.wait(timeout=60)
