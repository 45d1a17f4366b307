"""A recipe's folder: its releases, which is the latest, and the order of writes that makes a release whole or absent.

Shards go straight to their final names, then the report, then ``manifest.json`` (the commit), then ``latest.json``.
A folder without a manifest is no release; a rerun of the same content goes on in it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from curation import storage
from schemas.errors import InputError

if TYPE_CHECKING:
    from schemas.manifest import Manifest

SWARMS = "swarms"
"""Folder of a recipe's swarms, beside its releases: a recipe's folder itself for what reads one."""
PREPARED = "prepared"
"""In the cache: partitions as *prepare* left them, each named by its key."""
MADE_FROM = "made-from"
"""In the cache: which of them each release was made from."""

LEFT_SECONDS = 86_400.0
"""A temporary file as old as this is nobody's any more."""

RELEASE_NAME = re.compile(r"^\d{8}T\d{6}-[0-9a-f]{6}$")


@dataclass(frozen=True)
class Home:
    """``OUTPUT/<name>``: releases, ``latest.json``, and ``.cache`` with what a rerun need not do again."""

    folder: str

    def path(self, *parts: str) -> str:
        return storage.join(self.folder, *parts)

    def cache(self, *parts: str) -> str:
        return storage.join(self.folder, ".cache", *parts)

    def releases(self) -> list[str]:
        """Names of the complete releases, oldest first."""
        names = [n for n in storage.list_folder(self.folder) if RELEASE_NAME.match(n)]
        return sorted(n for n in names if storage.exists(self.path(n, "manifest.json")))

    def manifest(self, release: str) -> dict[str, Any]:
        return read_manifest(self.path(release))

    def latest(self) -> str | None:
        """The release that ``latest.json`` names; None where it is damaged, or that release is gone."""
        name = _named(storage.read_json(self.path("latest.json")))
        return name if name is not None and storage.exists(self.path(name, "manifest.json")) else None

    def mend_latest(self) -> str | None:
        """Point ``latest.json`` at the newest complete release, if a crash came between the two; its name if mended."""
        complete = self.releases()
        if not complete or self.latest() == complete[-1]:
            return None
        if (self.latest() or "") < complete[-1]:
            self.point_latest(complete[-1])
            return complete[-1]
        return None

    def sweep_finished(self, at_work: Home | None = None) -> None:
        """Remove what the latest release's run left to go on from, had it been killed. at_work: whose cache it worked in, if not ours."""
        latest, home = self.latest(), at_work or self
        key = self.manifest(latest).get("content_key") if latest is not None else None
        if not key:
            return
        for name in storage.list_folder(home.cache("work")):
            if name.removeprefix("swarm-").startswith(f"{key[:16]}-"):
                storage.delete_tree(home.cache("work", name))
        storage.delete(self.cache("runs", f"{key}.json"))

    def point_latest(self, release: str) -> None:
        storage.put(self.path("latest.json"), json.dumps({"release": release}).encode())

    def begin(self, content_key: str, now: str) -> str:
        """The name to write under: that of an unfinished run of the same content, else ``now`` and a part of the key.

        Sorts after every complete release, even where the clock went back.
        """
        marker = self.cache("runs", f"{content_key}.json")
        begun = _named(storage.read_json(marker))
        if begun is not None and not storage.exists(self.path(begun, "manifest.json")):
            return begun
        complete = self.releases()
        if complete and now <= complete[-1][:15]:
            now = _after(complete[-1][:15])
        name = f"{now}-{content_key[:6]}"
        storage.put(marker, json.dumps({"release": name}).encode())
        return name

    def abandon(self, release: str, content_key: str) -> None:
        """Remove what a run wrote of a release that is refused: the same content begins anew."""
        storage.delete_tree(self.path(release))
        storage.delete(self.cache("runs", f"{content_key}.json"))

    def partitions_of(self, release: str) -> list[str] | None:
        """Keys of the prepared partitions that a release was made from; None where that was not noted."""
        keys = storage.read_json(self.cache(MADE_FROM, f"{release}.json"))
        sound = isinstance(keys, list) and all(isinstance(key, str) for key in keys)
        return keys if sound else None

    def publish(self, manifest: Manifest, partitions: list[str]) -> None:
        """Note the keys of the partitions it was made from, sweep what kills have left, put the manifest, then point
        ``latest.json`` at it; from then on the release exists."""
        plain = manifest.model_dump(mode="json", by_alias=True)
        storage.sweep(self.path(manifest.release))
        storage.sweep(self.folder, LEFT_SECONDS)
        storage.put(self.cache(MADE_FROM, f"{manifest.release}.json"), json.dumps(sorted(set(partitions))).encode())
        storage.put(self.path(manifest.release, "manifest.json"), as_json(plain))
        self.point_latest(manifest.release)
        storage.delete(self.cache("runs", f"{manifest.content_key}.json"))


def _named(plain: Any) -> str | None:
    """The release that a note names, None where it names none."""
    name = plain.get("release") if isinstance(plain, dict) else None
    return name if isinstance(name, str) and RELEASE_NAME.match(name) else None


def as_json(plain: Any) -> bytes:
    """A record as it is written."""
    return json.dumps(plain, ensure_ascii=False, indent=1).encode()


def _after(stamp: str) -> str:
    """The next second."""
    from datetime import datetime, timedelta

    return (datetime.strptime(stamp, "%Y%m%dT%H%M%S") + timedelta(seconds=1)).strftime("%Y%m%dT%H%M%S")


def read_manifest(folder: str) -> dict[str, Any]:
    """The manifest of a release's folder. Raises InputError where it is damaged, FileNotFoundError where there is none."""
    path = storage.join(folder, "manifest.json")
    try:
        plain = json.loads(storage.read_bytes(path))
        if isinstance(plain, dict) and plain:
            return plain
    except ValueError:
        pass
    raise InputError(
        path,
        "this manifest is damaged; put it back from a copy, or remove the release's folder and run the recipe again",
    )


def texts_of(run: str) -> str:
    """The folder of the swarm that a run's folder, ``SWARM/runs/<run>``, is of."""
    return storage.parent(storage.parent(run))


def resolve(path: str) -> str:
    """A release's folder from its own path or from a recipe's folder (its latest).

    Raises FileNotFoundError, naming what was looked for.
    """
    if storage.exists(storage.join(path, "manifest.json")):
        return path
    latest = _named(storage.read_json(storage.join(path, "latest.json")))
    if latest is not None and storage.exists(storage.join(path, latest, "manifest.json")):
        return storage.join(path, latest)
    complete = Home(path).releases()
    if complete:
        return storage.join(path, complete[-1])
    raise FileNotFoundError(f"{path}: neither a release (no manifest.json) nor a recipe's folder (no latest.json)")
