"""The clusters of datatrove 0.10.1, for the same parameters, on the same corpus.

Its hashes are not ours, so pairs near the threshold are found by chance, here and there: copies are all but equal, and what
is no copy is far. Clusters are compared, not survivors: which document datatrove keeps depends on the order of its files.
"""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from curation.stages.deduplicate import deduplicate
from tests.conftest import write_jsonl
from tests.curation.stages.test_deduplicate import prepared

datatrove = pytest.importorskip("datatrove", reason="the peer comes with `make test`")

GROUPS, WORDS = 60, 200


def corpus(seed: int) -> list[str]:
    """Documents in groups of one to five; copies lack a word or two of their original."""
    draw = random.Random(seed)
    vocabulary = ["".join(draw.choices("abcdefghijklmnop", k=draw.randrange(2, 9))) for _ in range(2000)]
    texts = []
    for _ in range(GROUPS):
        words = draw.choices(vocabulary, k=WORDS)
        for _ in range(draw.randrange(1, 6)):
            left = list(words)
            for _ in range(draw.randrange(1, 3)):
                del left[draw.randrange(len(left))]
            texts.append(" ".join(left).capitalize() + ".")
    draw.shuffle(texts)
    return texts


def peers_clusters(folder: Path, texts: list[str]) -> set[frozenset[int]]:
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupSignature
    from datatrove.pipeline.dedup.minhash import MinhashConfig
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.utils.hashing import HashConfig

    write_jsonl(folder / "in" / "0.jsonl", [{"id": str(i), "text": text} for i, text in enumerate(texts)])
    config = MinhashConfig(hash_config=HashConfig(precision=64), num_buckets=14, hashes_per_bucket=8, n_grams=5)
    steps = [
        [JsonlReader(str(folder / "in")), MinhashDedupSignature(str(folder / "s"), config=config)],
        [MinhashDedupBuckets(str(folder / "s"), str(folder / "b"), config=config)],
        [MinhashDedupCluster(str(folder / "b"), str(folder / "c"), config=config, save_cluster_id=True)],
    ]
    for number, (pipeline, tasks) in enumerate(zip(steps, (1, 14, 1), strict=True)):
        LocalPipelineExecutor(pipeline, tasks=tasks, workers=1, logging_dir=str(folder / f"log{number}")).run()
    found: dict[int, set[int]] = {}
    for document, cluster in struct.iter_unpack("<2I", (folder / "c" / "000000.clusters").read_bytes()):
        found.setdefault(cluster, set()).add(document)
    return {frozenset(members) for members in found.values()}


@pytest.mark.parametrize("seed", [0, 1])
def test_the_same_clusters(tmp_path: Path, seed: int) -> None:
    texts = corpus(seed)
    (tmp_path / "ours").mkdir()
    parts, recipe = prepared(
        tmp_path / "ours", [texts], exact=False, minhash={"min_similarity": None, "linkage": "single"}
    )
    decided = deduplicate(parts, recipe.dedup).decided
    ids = {id: i for i, id in enumerate(pq.read_table(parts[0].documents_path)["id"].to_pylist())}
    clusters: dict[str, set[int]] = {}
    for row in decided.to_pylist():
        clusters.setdefault(row["kept_id"], {ids[row["kept_id"]]}).add(row["index"])
    found = {frozenset(members) for members in clusters.values()}
    assert len(found) > GROUPS // 2
    assert found == peers_clusters(tmp_path, texts)
