"""At most one run of a recipe at a time, whichever deployment started it.

A Prefect concurrency limit a release folder, which a run holds by a lease that it renews: the lease of a run that was
killed ends by itself. It must outlive the server: Prefect keeps leases in its memory by default, and a limit held while
the server is killed is then held for ever (tried with 3.8.8). `syllabus serve` keeps them in files.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator

from prefect.client.orchestration import get_client
from prefect.concurrency.sync import concurrency
from prefect.logging import get_run_logger

from curation import storage
from schemas.recipe import Recipe

LEASE_SECONDS = 60
"""The least that Prefect takes."""


def limit_name(recipe: Recipe) -> str:
    """The limit of a recipe's release folder; an output may hold what Prefect's names may not, so it is hashed."""
    place = storage.join(storage.absolute(recipe.output), recipe.name)
    return f"curate-{recipe.name}-{hashlib.sha256(place.encode()).hexdigest()[:8]}"


@contextlib.contextmanager
def one_at_a_time(recipe: Recipe, *, wait: bool) -> Iterator[bool]:
    """Hold the recipe for the block, True; where another run holds it, wait for its end, or go on without: False."""
    name = limit_name(recipe)
    with get_client(sync_client=True) as client:
        client.upsert_global_concurrency_limit_by_name(name, 1)
        under_way = client.read_global_concurrency_limit_by_name(name).active_slots >= 1
    if under_way and not wait:
        yield False
        return
    if under_way:
        get_run_logger().info("another run of %s is under way: waiting for its end", recipe.name)
    with concurrency(name, lease_duration=LEASE_SECONDS, strict=True):
        yield True
