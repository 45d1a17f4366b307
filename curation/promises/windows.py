"""The share of a label over the length of a phase."""

from __future__ import annotations

import numpy as np

from curation.promises.release_rows import ReleaseRows, share_of
from schemas.promises import Windows


def windows(release: ReleaseRows, params: Windows) -> list[str]:
    """The stretches in which the label's share is another. A document belongs to the stretch that its last token stands in."""
    faults = []
    n = len(params.shares)
    for phase in release.phases(params.phases):
        rows = release.labels(phase, params.by, ["tokens"])
        tokens = rows["tokens"].to_numpy().astype(np.int64)
        hit = (rows["label"] == params.label).to_numpy()
        ends = np.cumsum(tokens)
        window = np.minimum((ends - 1) * n // max(int(ends[-1]), 1), n - 1)
        mine, all_ = (np.bincount(window, weights=one, minlength=n) for one in (tokens * hit, tokens))
        for number, wanted in enumerate(params.shares):
            found = share_of(mine[number], all_[number])
            if abs(found - wanted) > params.within:
                faults.append(
                    f"phase {phase}: {params.label!r} has {found:.4f} of stretch {number + 1} of {n}, not {wanted:g}"
                )
    return faults
