"""What is said of an exception that no stage has made a message of."""

from __future__ import annotations

import os
import tempfile
import traceback

STORES = ("botocore", "aiobotocore", "s3fs", "gcsfs", "google", "adlfs", "azure", "aiohttp")
"""Modules whose exceptions are an object store's."""


def in_a_line(error: Exception) -> str:
    """An exception that no stage has made a message of: what the disk or the store says, else a fault of ours."""
    kind = type(error).__name__
    if isinstance(error, OSError) and error.strerror is not None and not isinstance(error, ConnectionError):
        where = error.filename2 or error.filename
        place = f"{os.fsdecode(where)}: " if isinstance(where, str | bytes) else ""
        return f"{place}{error.strerror} ({kind}); see that the place is there, is a folder where one is meant, and may be written"
    if type(error).__module__.startswith("httpx") or "Failed to reach API" in str(error):
        return (
            f"the Prefect API at {os.environ.get('PREFECT_API_URL')} does not answer ({kind}); start it, or unset "
            "PREFECT_API_URL to run without one"
        )
    status = getattr(getattr(error, "response", None), "status_code", None)
    if kind == "PrefectHTTPStatusError" and isinstance(status, int) and status >= 500:
        return (
            f"the Prefect server at {os.environ.get('PREFECT_API_URL')} is too busy, or fails (HTTP {status}); run again, fewer runs at a "
            "time, or give it PostgreSQL: SQLite has one writer at a time (README, For a team)"
        )
    if type(error).__module__.split(".")[0] in STORES or isinstance(error, PermissionError):
        return (
            f"the object store does not let us in, or does not answer ({kind}: {str(error).splitlines()[0][:200] if str(error) else ''}); "
            "its credentials and endpoint come from the environment (for S3: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, "
            "AWS_PROFILE, AWS_ENDPOINT_URL)"
        )
    return f"this is a fault of Syllabus ({kind}); what happened stands in {_logged()}, please report it"


def _logged() -> str:
    """Where the traceback of the exception at hand is kept: it may hold text of documents, so not on the terminal."""
    handle, path = tempfile.mkstemp(prefix="syllabus-fault-", suffix=".log")
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as log:
        traceback.print_exc(file=log)
    return path
