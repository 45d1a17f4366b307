"""One run at a time writes to a recipe's folder, from whichever terminal, server or machine it was started.

On a file system the lease is a lock of the kernel's (flock) on ``.cache/lease.json``: it ends with the process that holds it,
however that ends. In an object store, which has no locks, it is that file's content: who holds it writes it anew every few
seconds, and who finds it unchanged for a minute, by its own clock, takes it over; a holder that was taken over from (it was
stopped, or cut off) finds that out before it publishes. In both the file names the holder.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from curation import storage
from schemas.errors import RunError

ASKED_SECONDS = 1.0
"""Between one look at a lease that another one holds and the next."""
RENEWED_SECONDS, EXPIRES_SECONDS, SETTLES_SECONDS = 10.0, 60.0, 2.0
"""In an object store: a lease is renewed, counts as left, and counts as taken if it still stands."""

Told = Callable[[str], None]


class Lease:
    """The right to write to a folder."""

    def __init__(self) -> None:
        self.taken_by: str | None = None

    def check(self) -> None:
        """Raises RunError where another run has taken over."""
        if self.taken_by is not None:
            raise RunError(
                "lease", f"{self.taken_by} took this run for dead and took over; nothing was published by this one"
            )


@contextlib.contextmanager
def hold(folder: str, *, wait: bool = True, told: Told) -> Iterator[Lease | None]:
    """Hold the lease of a recipe's folder for the block; None where another run has it and is not to be waited for.

    told: is given a sentence that names the holder, where one is waited for.
    """
    path = storage.join(folder, ".cache", "lease.json")
    kind = _locked if storage.is_local(folder) else _renewed
    with kind(path, wait, told) as lease:
        yield lease


def _mine() -> dict[str, object]:
    """What a holder says of itself; the token is its own."""
    return {
        "host": socket.gethostname(),
        "process": os.getpid(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
        "token": uuid.uuid4().hex,
    }


def _named(plain: object) -> str:
    """The holder, in words."""
    if not isinstance(plain, dict):
        return "another run"
    host, process, since = (str(plain.get(key, "?"))[:80] for key in ("host", "process", "since"))
    return f"process {process} on {host}, since {since}"


def _waiting(holder: object, path: str) -> str:
    return f"{_named(holder)}, is at work on {storage.parent(storage.parent(path))}: waiting"


@contextlib.contextmanager
def _locked(path: str, wait: bool, told: Told) -> Iterator[Lease | None]:
    place = storage.resolve(path)[1]
    os.makedirs(os.path.dirname(place), exist_ok=True)
    handle = os.open(place, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        said = False
        while not _lock(handle):
            if not wait:
                yield None
                return
            if not said:
                told(_waiting(storage.read_json(path), place))
                said = True
            time.sleep(ASKED_SECONDS)
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(_mine()).encode(), 0)
        yield Lease()
    finally:
        os.close(handle)  # and with it the lock


def _lock(handle: int) -> bool:
    """Whether the lock is ours. A file system without locks gives it to everyone: the disk of one machine has them."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True


@contextlib.contextmanager
def _renewed(path: str, wait: bool, told: Told) -> Iterator[Lease | None]:
    mine, lease = _mine(), Lease()
    if not _take(path, mine, wait, told):
        yield None
        return
    done = threading.Event()

    def renew() -> None:
        count = 0
        while not done.wait(RENEWED_SECONDS):
            with contextlib.suppress(OSError):  # the store may be back before the lease expires
                found = storage.read_json(path)
                if isinstance(found, dict) and found.get("token") != mine["token"]:
                    lease.taken_by = _named(found)
                    return
                count += 1
                storage.put(path, json.dumps(mine | {"renewed": count}).encode())

    renewing = threading.Thread(target=renew, daemon=True)
    renewing.start()
    try:
        yield lease
    finally:
        done.set()
        renewing.join()
        if lease.taken_by is None:
            storage.delete(path)


def _take(path: str, mine: dict[str, object], wait: bool, told: Told) -> bool:
    """Take the lease once it is free or was left; False where its holder is seen to live and is not waited for."""
    seen: object = None
    since = time.monotonic()
    while True:
        found = storage.read_json(path)
        if found is None or (found == seen and time.monotonic() - since >= EXPIRES_SECONDS):
            storage.put(path, json.dumps(mine).encode())
            time.sleep(SETTLES_SECONDS)  # of several who see it free, the last to write has it
            found = storage.read_json(path)
            if isinstance(found, dict) and found.get("token") == mine["token"]:
                return True
        if found != seen:
            if seen is None and wait:
                told(_waiting(found, path))
            elif seen is not None and not wait:
                return False
            seen, since = found, time.monotonic()
        time.sleep(ASKED_SECONDS)
