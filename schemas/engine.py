"""Where the tasks run. The engine never changes what a release holds."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from schemas.section import Section
from schemas.shards import ByteSize


class Engine(Section):
    """The task runner."""

    kind: Literal["threads", "processes", "dask", "ray"] = "threads"
    """threads: this process (the kernels free the interpreter lock). processes: one machine. dask, ray: a cluster."""
    workers: Annotated[int, Field(ge=1)] | None = None
    """Tasks at once; null: one a core. A cluster with an address has its own."""
    address: str | None = None
    """A running cluster, for the kinds dask (tcp://host:8786) and ray (host:6379, ray://host:10001); null starts one here."""
    partition_bytes: Annotated[ByteSize, Field(ge=1)] = 256_000_000
    """Text a task takes at most, where a file can be cut (JSON Lines, plain or of several gzip members or zstd frames; Parquet)."""
    memory: Annotated[ByteSize, Field(ge=1)] | None = None
    """What the run holds at most on this machine, all workers together (with an address: what a worker of the cluster holds):
    fewer tasks at once, less text in each. Besides come some bytes a document for planning. Null: about 1 GB for two workers."""

    @model_validator(mode="after")
    def _address_is_of_a_cluster(self) -> Engine:
        if self.address is not None and self.kind not in ("dask", "ray"):
            raise ValueError("an address belongs to kind: dask or ray")
        return self
