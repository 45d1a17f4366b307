"""Sources that hold too much of a benchmark go whole, in the ledger under the stage *decontaminate*.

Source: Tülu 3 (Lambert et al. 2024), section 3.2: a training set that overlaps with more than 2 % of an evaluation's items is
contaminated by it; for an evaluation that nobody may have trained on the whole set is left out.
"""

from __future__ import annotations

from curation.dedup.rows import decisions_for
from curation.releases.hits import contamination, hits_of
from curation.releases.work import Done, Work

STAGE, RULE = "decontaminate", "contaminated_source"


def run(work: Work, _: int) -> Done:
    """The documents that are left of contaminated sources; ``value`` is the share of the benchmark's items that the source holds."""
    params = work.recipe.decontaminate
    if params is None or params.whole_sources == "never":
        return Done({"dropped": 0})
    worst: dict[str, float] = {}
    for found in contamination(hits_of(work), work.of_source, work.benchmarks, params):
        counts = params.whole_sources == "always" or found["benchmark"] in params.whole_sources
        if counts and found["share"] > params.max_source_share:
            worst[found["source"]] = max(found["share"], worst.get(found["source"], 0.0))
    files, dropped = [], 0
    for number, source in enumerate(work.of_source):
        if source in worst:
            said = [
                (int(row), (RULE, worst[source], params.max_source_share))
                for row in work.left(number, before="sources")
            ]
            files.append(work.decide("sources", number, decisions_for(STAGE, said)))
            dropped += len(said)
    return Done({"dropped": dropped}, files)
