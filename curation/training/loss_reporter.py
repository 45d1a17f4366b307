"""``LossReporter``: what training tells of a round, in the tables that the next round's plan reads.

Two tables, each JSON Lines or Parquet by its name: losses of groups at evaluations (``run_id, round, step, eval_index, group,
loss [, ref_loss] [, n_tokens] [, split]``, for ``syllabus plan --losses`` and the deployment ``next-round``), and losses of
single documents (``run_id, round, id, loss | correct``, for the scorer ``table``).
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

OPTIONAL = ("ref_loss", "n_tokens", "split")
PARQUET = ".parquet"
ROWS_AT_ONCE = 100_000
ENDINGS = (".jsonl", ".ndjson", PARQUET)


class LossReporter:
    """Writes the loss report of one round of one run; a context manager, or ``close`` it.

    Args:
        losses: The table of groups. JSON Lines are written evaluation by evaluation, after what stands there, so that one
            file holds all rounds; Parquet is written at the end, to a new file.
        documents: The table of documents, a new file each round: a document that is told of several times has the mean.
        run_id: Names the training run.
        round: The round, from 0, as the release's phases count them.

    Raises ValueError for a name of another ending, FileExistsError for a table that cannot be added to.
    """

    def __init__(self, losses: str | None = None, documents: str | None = None, *, run_id: str, round: int = 0) -> None:
        if losses is None and documents is None:
            raise ValueError("name a table to write: losses, documents, or both")
        for path in (losses, documents):
            if path is not None and not path.endswith(ENDINGS):
                raise ValueError(f"got {path!r}; write a name that ends in {', '.join(ENDINGS)}")
        for path in (losses if losses is not None and losses.endswith(PARQUET) else None, documents):
            if path is not None and os.path.exists(path):
                raise FileExistsError(f"{path} is there already; name a new file (JSON Lines of losses are added to)")
        self.losses, self.documents = losses, documents
        self.run_id, self.round = run_id, round
        self._evaluations = 0
        self._rows: list[dict[str, Any]] = []
        self._packed: list[pa.Table] = []
        self._chunks: list[pa.Table] = []

    def evaluation(
        self,
        step: int,
        losses: Mapping[str, Any],
        *,
        ref_losses: Mapping[str, Any] | None = None,
        n_tokens: Mapping[str, int] | None = None,
        split: str | None = None,
    ) -> None:
        """One evaluation: the mean loss of each group after ``step`` steps; numbers, or tensors of one element.

        ref_losses: those of the reference model (DoReMi), or before the round (probes). n_tokens: what each mean is over,
        which weighs it beside other runs'. split: ``train``, ``valid`` or another. Raises ValueError for a loss that is no
        finite number, and for a group of ``ref_losses`` or ``n_tokens`` that has no loss.
        """
        if self.losses is None:
            raise ValueError("this reporter has no table of losses")
        given = {"ref_loss": ref_losses or {}, "n_tokens": n_tokens or {}}
        for name, values in given.items():
            strangers = sorted(set(values) - set(losses))
            if strangers:
                raise ValueError(f"{name} of the group {strangers[0]!r}, which has no loss")
        place = {"run_id": self.run_id, "round": self.round, "step": int(step), "eval_index": self._evaluations}
        rows = []
        for group, loss in losses.items():
            row = {**place, "group": str(group), "loss": _number(loss, f"the loss of {group!r}")}
            for name, values in given.items():
                if group in values:
                    row[name] = _number(values[group], f"{name} of {group!r}")
            if split is not None:
                row["split"] = split
            rows.append(row)
        self._evaluations += 1
        if self.losses.endswith(PARQUET):
            self._rows += rows
            if len(self._rows) >= ROWS_AT_ONCE:
                self._pack()
            return
        with open(self.losses, "a", encoding="utf-8") as stream:
            stream.write("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))

    def of_documents(self, ids: Iterable[str], *, loss: Any = None, correct: Any = None) -> None:
        """Documents of a batch, by the shards' ``id``, with the loss or the share of right answers of each: an array or tensor
        of as many. Raises ValueError for another number of values, one that is not finite, or both of them given."""
        if self.documents is None:
            raise ValueError("this reporter has no table of documents")
        if (loss is None) == (correct is None):
            raise ValueError("give the documents' loss or correct")
        name, values = ("loss", loss) if loss is not None else ("correct", correct)
        names = pa.array(list(ids), pa.string())
        numbers = _array(values)
        if len(numbers) != len(names):
            raise ValueError(f"got {len(names)} ids and {len(numbers)} values of {name}")
        if not np.isfinite(numbers).all():
            raise ValueError(f"{name} of document {names[int(np.argmin(np.isfinite(numbers)))]} is no finite number")
        if self._chunks and name not in self._chunks[0].column_names:
            raise ValueError(f"the table has {self._chunks[0].column_names[1]!r} of the documents before, not {name!r}")
        self._chunks.append(pa.table({"id": names, name: pa.array(numbers, pa.float64())}))

    def close(self) -> None:
        """Write what is not yet written."""
        self._pack()
        if self._packed and self.losses is not None:
            whole = pa.concat_tables(self._packed, promote_options="default")
            order = [*_schema([]).names, *(name for name in OPTIONAL if name in whole.column_names)]
            pq.write_table(whole.select(order), self.losses)
            self._packed = []
        if self._chunks and self.documents is not None:
            self._write_documents(self.documents)
            self._chunks = []

    def _pack(self) -> None:
        """Rows as a table, which takes a tenth of the memory."""
        if self._rows:
            self._packed.append(pa.Table.from_pylist(self._rows, schema=_schema(self._rows)))
            self._rows = []

    def _write_documents(self, path: str) -> None:
        whole = pa.concat_tables(self._chunks)
        name = whole.column_names[1]
        means = whole.group_by("id", use_threads=False).aggregate([(name, "mean")])
        n = len(means)
        table = pa.table(
            {
                "run_id": pa.repeat(self.run_id, n),
                "round": pa.repeat(pa.scalar(self.round, pa.int64()), n),
                "id": means["id"],
                name: means[f"{name}_mean"],
            }
        )
        if path.endswith(PARQUET):
            pq.write_table(table, path)
            return
        with open(path, "w", encoding="utf-8") as stream:
            for batch in table.to_batches(max_chunksize=1 << 16):
                stream.write("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in batch.to_pylist()))

    def __enter__(self) -> LossReporter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _array(values: Any) -> np.ndarray:
    """float64[n] of a list, an array, or a tensor on any device."""
    if hasattr(values, "detach"):
        values = values.detach().to("cpu").double().numpy()
    return np.asarray(values, dtype=np.float64).reshape(-1)


def _number(value: Any, what: str) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{what} is {number}; report finite numbers")
    return number


def _schema(rows: list[dict[str, Any]]) -> pa.Schema:
    kinds = {"run_id": pa.string(), "round": pa.int64(), "step": pa.int64(), "eval_index": pa.int64()}
    kinds |= {"group": pa.string(), "loss": pa.float64()}
    others = {"ref_loss": pa.float64(), "n_tokens": pa.float64(), "split": pa.string()}
    return pa.schema({**kinds, **{name: others[name] for name in OPTIONAL if any(name in row for row in rows)}})
