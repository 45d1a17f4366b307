"""Rows that come in pieces of any length, written in pieces of one."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa


class RowGroups:
    """Gives ``write`` so many rows at a time; what is left over waits for ``finish``."""

    def __init__(self, write: Callable[[pa.Table], object], rows: int):
        self.write, self.rows = write, rows
        self.held: list[pa.Table] = []

    def add(self, table: pa.Table) -> None:
        """The next rows."""
        self.held.append(table)
        if sum(map(len, self.held)) < self.rows:
            return
        whole = pa.concat_tables(self.held)
        full = len(whole) - len(whole) % self.rows
        for start in range(0, full, self.rows):
            self.write(whole.slice(start, self.rows).combine_chunks())
        self.held = [whole.slice(full)]

    def finish(self) -> None:
        """The last rows, if any are left."""
        if sum(map(len, self.held)):
            self.write(pa.concat_tables(self.held).combine_chunks())
        self.held = []
