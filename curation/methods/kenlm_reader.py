"""KenLM in a process of its own: its native code trusts a binary model's offsets, and one that is damaged or hostile ends the process.

``python kenlm_reader.py MODEL`` answers a line with lines of words, as JSON, with a line of their log10 likelihoods.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Sequence
from typing import IO

ANSWER_SECONDS = 30.0
"""A reader that takes longer, and a second more for each megabyte of the model or of the lines asked for, ends itself."""


class KenLM:
    """A model that is open. Raises ValueError where the file is none, or where reading it does not end well."""

    def __init__(self, path: str):
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-P", __file__, path, str(ANSWER_SECONDS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )
        weakref.finalize(self, _end, self._process)
        said = self._answer(None)
        if said is not None:
            raise ValueError(str(said))

    def scores(self, lines: Sequence[str]) -> list[float]:
        """The log10 likelihood of each line, its end counted."""
        with self._lock:
            found = self._answer(json.dumps(lines))
        assert isinstance(found, list)
        return found

    def _answer(self, asked: str | None) -> object:
        write, read = self._process.stdin, self._process.stdout
        assert write is not None
        assert read is not None
        with contextlib.suppress(BrokenPipeError):  # no answer comes either
            if asked is not None:
                write.write(asked + "\n")
                write.flush()
        answer = read.readline()
        if answer:
            return json.loads(answer)
        code = self._process.wait()
        what = "reading it takes too long" if code == -signal.SIGALRM else f"reading it ended the reader with {code}"
        raise ValueError(f"{what}: it is damaged, or made to do so")


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):  # what it was still to be told
                stream.close()


def _serve(path: str, seconds: float, asked: IO[str], answers: IO[str]) -> None:
    import kenlm

    def limit(size: int) -> None:
        """End this process, in whatever it is then and whoever still waits for it, where the next answer takes too long."""
        signal.setitimer(signal.ITIMER_REAL, seconds + size / 1e6)

    def answer(what: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        answers.write(json.dumps(what) + "\n")
        answers.flush()

    config = kenlm.Config()
    config.show_progress, config.arpa_complain = False, kenlm.ARPALoadComplain.NONE
    limit(os.path.getsize(path))
    try:
        model = kenlm.Model(path, config)
    except (OSError, RuntimeError, ValueError, MemoryError) as error:
        # What it says, it may say in the file's own bytes.
        answer("not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error))
        return
    answer(None)
    for line in asked:
        limit(len(line))
        answer([model.score(words) for words in json.loads(line)])


if __name__ == "__main__":
    _serve(sys.argv[1], float(sys.argv[2]), sys.stdin, sys.stdout)
