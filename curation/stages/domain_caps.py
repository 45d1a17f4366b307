"""At most so many documents of each registered domain, in the ledger under the stage *minhash*.

Which ones stay is what ``dedup.keep`` prefers, ties by id. Held at once: per document 8 bytes of its domain's hash and
8 of its rank.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation import storage
from curation.dedup.rows import Ranking, alive_rows, decisions, ids_of, rows_by_partition
from curation.methods.groupers.url import url
from curation.releases.keys import ranking
from curation.releases.work import Done, Work
from schemas.groupers import Url
from schemas.tables import DECIDED
from schemas.work import Prepared

Int = npt.NDArray[np.int64]
STAGE, RULE = "minhash", "domain_cap"


def run(work: Work, _: int) -> Done:
    """Documents beyond the cap of their domain, of all partitions."""
    dedup = work.recipe.dedup
    if dedup.max_per_domain is None:
        return Done({"dropped": 0})
    gone = rows_by_partition(work.all_decided(before="caps"), len(work.partitions))
    decided = drop_over(ranking(work), gone, dedup.max_per_domain)
    return Done({"dropped": len(decided)}, work.decide_all("caps", decided))


def drop_over(ranking: Ranking, gone: list[Int], cap: int) -> pa.Table:
    """Documents of a domain beyond ``cap``: the DECIDED table; ``value`` is how many the domain has. Documents without a
    URL are not capped.

    gone: for each partition the rows that earlier stages dropped, sorted.
    """
    parts = ranking.parts
    starts, alive = alive_rows(parts, gone)
    domain, known = _domains(parts)
    rows = np.flatnonzero(alive & known)
    if not len(rows):
        return DECIDED.empty_table()
    order = rows[np.lexsort((ranking.among(rows), domain[rows]))]
    new = np.r_[True, domain[order][1:] != domain[order][:-1]]
    first = np.flatnonzero(new)[np.cumsum(new) - 1]
    sizes = np.diff(np.r_[np.flatnonzero(new), len(order)])[np.cumsum(new) - 1]
    over = np.arange(len(order)) - first >= cap
    by_place = np.argsort(order[over])
    dropped, counts = order[over][by_place], sizes[over][by_place]
    return decisions(dropped, None, starts, ids_of(parts), STAGE, RULE, counts.astype(np.float64), float(cap))


def _domains(parts: Sequence[Prepared]) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.bool_]]:
    """The hash of each document's registered domain, uint64[n], and which have one, bool[n]."""
    hashes, known = [np.zeros(0, dtype=np.uint64)], [np.zeros(0, dtype=bool)]
    registered = Url.model_validate({"from": "url"})
    for part in parts:
        with storage.open_parquet(part.documents_path) as file:
            labels = url(file.read(columns=["url"]), registered).dictionary_encode()
        named = labels.dictionary.to_pylist()
        codes = np.array([_hash(name) for name in named] or [0], dtype=np.uint64)
        valid = np.asarray(labels.is_valid())
        hashes.append(codes[np.asarray(labels.indices.fill_null(0))])
        known.append(valid)
    return np.concatenate(hashes), np.concatenate(known)


def _hash(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little")
