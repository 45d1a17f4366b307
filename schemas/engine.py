"""Where the tasks run. The engine never changes what a release holds."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from schemas.section import Section
from schemas.shards import ByteSize


class Engine(Section):
    """The task runner."""

    kind: Literal["threads", "processes", "dask"] = "threads"
    """threads: this process (the kernels free the interpreter lock). processes: one machine. dask: a cluster."""
    workers: Annotated[int, Field(ge=1)] | None = None
    """Tasks at once; null: one a core."""
    address: str | None = None
    """Address of a running Dask scheduler, for kind dask; null starts a local cluster."""
    partition_bytes: Annotated[ByteSize, Field(ge=1)] = 256_000_000
    """Input bytes a task takes at most, where a file can be cut (plain JSON Lines, Parquet)."""

    @model_validator(mode="after")
    def _address_is_dask(self) -> Engine:
        if self.address is not None and self.kind != "dask":
            raise ValueError("an address belongs to kind: dask")
        return self
