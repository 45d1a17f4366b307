"""The flow `verify_release`: every checksum and count of a release again."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.logging import get_run_logger

from curation.releases.home import resolve
from curation.releases.verify import verify
from flows.storage_credentials import StorageCredentials, in_the_environment
from schemas.errors import RunError


@flow(
    name="verify_release",
    flow_run_name="verify {release}",
    description="Recomputes every checksum and count of a release's manifest; fails naming the file that does not hold.",
)
def verify_release(release: str, credentials: StorageCredentials | None = None) -> dict[str, Any]:
    """Verify a release.

    Args:
        release: A release's folder, or a recipe's folder (its latest).
        credentials: A block with the keys of object stores; left empty: those of the run's environment.
    """
    with in_the_environment(credentials):
        folder = resolve(release)
        faults = verify(folder)
    if faults:
        raise RunError("verify", "; ".join(faults[:20]))
    get_run_logger().info("%s holds", folder)
    return {"release": folder, "faults": faults}
