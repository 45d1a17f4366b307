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
        self.best: dict[tuple[str, str], list[tuple[float, int, dict[str, object]]]] = {}
        self.pending: list[tuple[str, str, int, float, float, str, str | None]] = []

    def add(self, stage: str, documents: pa.Table, found: list[Border]) -> None:
        """Candidates of a batch; what stages after this one drop is sorted out in ``settle``."""
        for rule, place, value, bound in found:
            one = documents.slice(place, 1)
            excerpt = pc.utf8_slice_codeunits(one["text"], 0, EXCERPT_CHARS)[0].as_py()
            self.pending.append((stage, rule, one["row"][0].as_py(), value, bound, excerpt, one["url"][0].as_py()))

    def settle(self, documents: pa.Table) -> None:
        """The end of a batch, of which ``documents`` (with ``row``, ``id``, ``name``) are left."""
        if self.pending:
            rows = pa.array([one[2] for one in self.pending], pa.int64())
            places = pc.index_in(rows, documents["row"].combine_chunks()).to_pylist()
            for (stage, rule, row, value, bound, excerpt, url), place in zip(self.pending, places, strict=True):
                if place is None:
                    continue
                said: dict[str, object] = {
                    "row": row,
                    "id": documents["id"][place].as_py(),
                    "name": documents["name"][place].as_py(),
                    "url": url,
                    "stage": stage,
                    "rule": rule,
                    "value": value,
                    "threshold": bound,
                    "excerpt": excerpt,
                }
                best = self.best.setdefault((stage, rule), [])
                best.append((abs(value - bound), row, said))
                best.sort(key=lambda one: one[:2])
                del best[KEPT:]
        self.pending = []

    def table(self) -> pa.Table:
        """SET_ASIDE rows, by stage and rule, the nearest first."""
        rows = [said for key in sorted(self.best) for _, _, said in self.best[key]]
        return pa.Table.from_pylist(rows, schema=SET_ASIDE)
