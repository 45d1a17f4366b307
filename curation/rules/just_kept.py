"""Documents that a rule just kept: of each partition the few whose measured value is nearest the bound."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from curation.rules.border import Border
from schemas.tables import EXCERPT_CHARS, SET_ASIDE

KEPT = 4
"""Documents a rule."""


class Borders:
    """Of the batches so far, the documents nearest each bound that all of cleaning kept."""

    def __init__(self) -> None:
        self.best: dict[tuple[str, str], list[tuple[float, str, dict[str, object]]]] = {}
        self.pending: list[tuple[str, str, tuple[int, int], float, float]] = []

    def add(self, stage: str, documents: pa.Table, found: list[Border]) -> None:
        """Candidates of a batch; what stages after this one drop is sorted out in ``settle``."""
        for rule, place, value, bound in found:
            one = documents.slice(place, 1)
            row = (one["slice"][0].as_py(), one["row"][0].as_py())
            self.pending.append((stage, rule, row, value, bound))

    def settle(self, documents: pa.Table) -> None:
        """The end of a batch, of which ``documents`` (with ``slice``, ``row``, ``id``, ``name``) are left and
        cleaned: what is shown of a text is as it stays."""
        if self.pending:
            slices, rows = zip(*(one[2] for one in self.pending), strict=True)
            pending = pa.table({"slice": pa.array(slices, pa.int32()), "row": pa.array(rows, pa.int64())})
            left = pc.index_in(row_keys(pending), row_keys(documents)).to_pylist()
            for (stage, rule, row, value, bound), place in zip(self.pending, left, strict=True):
                if place is None:
                    continue
                id_ = documents["id"][place].as_py()
                said: dict[str, object] = {
                    "slice": row[0],
                    "row": row[1],
                    "id": id_,
                    "name": documents["name"][place].as_py(),
                    "url": documents["url"][place].as_py(),
                    "stage": stage,
                    "rule": rule,
                    "value": value,
                    "threshold": bound,
                    "excerpt": pc.utf8_slice_codeunits(documents["text"][place], 0, EXCERPT_CHARS).as_py(),
                }
                best = self.best.setdefault((stage, rule), [])
                best.append((abs(value - bound), id_, said))
                best.sort(key=lambda one: one[:2])
                del best[KEPT:]
        self.pending = []

    def table(self) -> pa.Table:
        """SET_ASIDE rows, by stage and rule, the nearest first."""
        rows = [said for key in sorted(self.best) for _, _, said in self.best[key]]
        return pa.Table.from_pylist(rows, schema=SET_ASIDE)


def row_keys(table: pa.Table) -> pa.Array:
    """A number for each row of a partition, from the number of its slice and of its row in the file: int64[n]."""
    keys = pc.add(pc.shift_left(table["slice"].cast(pa.int64()), 40), table["row"])
    return keys.combine_chunks() if isinstance(keys, pa.ChunkedArray) else keys
