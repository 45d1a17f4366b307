"""What files a recipe's sources have now, without reading them: to tell that some have arrived."""

from __future__ import annotations

from datetime import UTC, datetime

from curation import storage
from schemas.sources import Source

Listing = list[storage.FileInfo]


def list_sources(sources: list[Source]) -> Listing:
    """Every file that the sources' globs find now; none is no error."""
    found = {info.path: info for source in sources for pattern in source.paths for info in storage.glob(pattern)}
    return [found[path] for path in sorted(found) if found[path].kind == "file"]


def settled(listing: Listing, now: datetime, quiet_seconds: float) -> bool:
    """Whether no file was written within the last seconds; one whose store does not say when counts as settled."""
    times = [storage.modified(file.url) for file in listing]
    return all(time is None or (now - time.astimezone(UTC)).total_seconds() >= quiet_seconds for time in times)
