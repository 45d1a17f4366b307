"""KenLM in a process of its own: its native code trusts a binary model's offsets, and one that is damaged or hostile ends the process.

``python kenlm_reader.py MODEL`` answers a line with lines of words, as JSON, with a line of their log10 likelihoods.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import threading
import weakref
from collections.abc import Sequence
from typing import IO

ANSWER_SECONDS = 30.0
"""A reader that takes longer, and a second more for each megabyte of the model or of the lines asked for, hangs."""


class KenLM:
    """A model that is open. Raises ValueError where the file is none, or where reading it does not end well."""

    def __init__(self, path: str):
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-P", __file__, path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )
        weakref.finalize(self, _end, self._process)
        said = self._answer(None, os.path.getsize(path))
        if said is not None:
            raise ValueError(str(said))

    def scores(self, lines: Sequence[str]) -> list[float]:
        """The log10 likelihood of each line, its end counted."""
        with self._lock:
            asked = json.dumps(lines)
            found = self._answer(asked, len(asked))
        assert isinstance(found, list)
        return found

    def _answer(self, asked: str | None, size: int) -> object:
        write, read = self._process.stdin, self._process.stdout
        assert write is not None
        assert read is not None
        seconds = ANSWER_SECONDS + size / 1e6
        try:
            if asked is not None:
                write.write(asked + "\n")
                write.flush()
            answer = read.readline() if select.select([read], [], [], seconds)[0] else None
        except BrokenPipeError:
            answer = ""
        if answer is None:
            self._process.kill()
            raise ValueError(f"it gave no answer within {seconds:.0f} s: it is damaged, or made to do so")
        if not answer:
            raise ValueError(
                f"reading it ended the reader with {self._process.wait()}: it is damaged, or made to do so"
            )
        return json.loads(answer)


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):  # what it was still to be told
                stream.close()


def _serve(path: str, asked: IO[str], answers: IO[str]) -> None:
    import kenlm

    def answer(what: object) -> None:
        answers.write(json.dumps(what) + "\n")
        answers.flush()

    config = kenlm.Config()
    config.show_progress, config.arpa_complain = False, kenlm.ARPALoadComplain.NONE
    try:
        model = kenlm.Model(path, config)
    except (OSError, RuntimeError, ValueError, MemoryError) as error:
        # What it says, it may say in the file's own bytes.
        answer("not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error))
        return
    answer(None)
    for line in asked:
        answer([model.score(words) for words in json.loads(line)])


if __name__ == "__main__":
    _serve(sys.argv[1], sys.stdin, sys.stdout)
