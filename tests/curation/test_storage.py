"""Where paths lead: links, pipes, and what a put that was killed has left, which no listing sees."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from curation import storage
from schemas.errors import StorageError
from tests.conftest import ROOT

KILLED = """
import os, signal, sys
from curation import storage
os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
storage.put(sys.argv[1], b"whole")
"""


def killed_put(path: Path) -> Path:
    """Put a file and be killed before it has its name; the temporary one."""
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], cwd=ROOT, check=False)
    assert done.returncode == -9
    (left,) = (one for one in path.parent.iterdir() if storage.TEMPORARY.match(one.name))
    return left


def test_a_killed_put_is_not_listed_and_is_swept(tmp_path: Path) -> None:
    storage.put(str(tmp_path / "b" / "there.parquet"), b"there")
    (tmp_path / "b" / ".own.tmp").write_bytes(b"somebody else's")
    left = killed_put(tmp_path / "b" / "new\nname.parquet")
    assert storage.list_folder(str(tmp_path / "b")) == [".own.tmp", "there.parquet"]
    storage.sweep(str(tmp_path), 3600)
    assert left.exists()  # another run may be about to rename it
    os.utime(left, (time.time() - 3601, time.time() - 3601))
    storage.sweep(str(tmp_path), 3600)
    assert not left.exists()
    other = killed_put(tmp_path / "b" / "c")
    storage.sweep(str(tmp_path))
    assert not other.exists()
    assert sorted(path.name for path in (tmp_path / "b").iterdir()) == [".own.tmp", "there.parquet"]


def test_links_are_followed_and_pipes_are_named(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "a.jsonl").write_text("{}")
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "link.jsonl").symlink_to(tmp_path / "there" / "a.jsonl")
    (folder / "folder.jsonl").symlink_to(tmp_path / "there")
    (folder / "dangling.jsonl").symlink_to(tmp_path / "nowhere")
    os.mkfifo(folder / "pipe.jsonl")
    found = {storage.name(info.path): (info.kind, info.bytes) for info in storage.glob(f"{folder}/*.jsonl")}
    assert found.pop("folder.jsonl")[0] == "directory"
    assert found == {"dangling.jsonl": ("other", 0), "link.jsonl": ("file", 2), "pipe.jsonl": ("other", 0)}


def test_a_link_is_as_new_as_what_it_leads_to(tmp_path: Path) -> None:
    file, link = tmp_path / "a.jsonl", tmp_path / "link.jsonl"
    file.write_text("{}")
    link.symlink_to(file)
    before = storage.glob(str(link))[0].stamp, storage.stamp(str(link))
    os.utime(file, (1, 1))
    after = storage.glob(str(link))[0].stamp, storage.stamp(str(link))
    assert before[0] != after[0]
    assert before[1] != after[1]


def test_a_store_whose_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise ImportError("Install adlfs")

    monkeypatch.setattr("fsspec.filesystem", missing)
    storage._filesystem.cache_clear()
    with pytest.raises(StorageError, match=re.escape("pip install 'syllabus[azure]'")):
        storage.exists("az://bucket/x")
    storage._filesystem.cache_clear()
