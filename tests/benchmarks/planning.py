"""Planning and ordering ten million documents: seconds and memory of every order and schedule, beside a plain sort.

    python -m tests.benchmarks.planning [--documents 10000000]

Each line is a run in a process of its own, without text: a pool of ids, tokens and columns is made (not counted), then
``plan_and_schedule`` is timed. The limit is numpy's lexsort of the same ids, and a single argsort of one key.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import time
from typing import Any

import numpy as np

SCORE, GROUP = "score", "group"
COURSE = {"subject": GROUP, "level": "level", "stage": "stage", "concept": "concept"}
SETTINGS: dict[str, dict[str, Any]] = {
    "shuffle": {},
    "sort": {"by": SCORE},
    "sort with jitter": {"method": "sort", "by": SCORE, "jitter": 100.0, "window": 64},
    **{name: {"by": SCORE} for name in ("folding", "zig_zag", "stair", "saw", "segment")},
    **dict.fromkeys(("blocking", "clustering", "spiral", "interleaving"), COURSE),
    "round_robin": {"by": GROUP},
    "stratified": {"by": GROUP, "batch_size": 256},
    "per_stream": {"by": GROUP, "batch_size": 256},
    "device_per_stream": {"by": GROUP, "batch_size": 32},
    "bursty": {"by": GROUP, "context": 8, "burstiness": 4},
}


def schedules(n: int) -> dict[str, list[dict[str, Any]]]:
    """Every schedule, each with about n positions in all."""
    labels = [f"g{i:02}" for i in range(20)]
    fixed = {"method": "fixed", "by": GROUP, "weights": {"g00": 0.8, **dict.fromkeys(labels[1:5], 0.05)}}
    return {
        "MeCo 90/10": [{"name": "a", "share": 0.9}, {"name": "b", "share": 0.1}],
        "levels": [{"method": "levels", "name": "a", "by": GROUP, "levels": labels[:10], "records": n // 20}],
        "subset_epochs": [
            {"method": "subset_epochs", "name": "a", "epochs": 4, "subset": "g00", "mixture": fixed, "tokens": n * 25}
        ],
        "cyclical": [{"method": "cyclical", "name": "a", "by": SCORE, "epochs": 1}],
        "pacing": [{"method": "pacing", "name": "a", "by": SCORE, "rounds": 5, "records": n // 10, "shape": "root"}],
        "difficulty": [
            {
                "method": "difficulty",
                "name": "a",
                "by": "level",
                "schedule": "discrete",
                "difficulties": [0, 1, 2],
                "max_step": [100, 200],
                "steps": 300,
                "batch_size": n // 1000,
            }
        ],
        "skill_curriculum": [
            {"method": "skill_curriculum", "name": "a", "by": GROUP, "score": SCORE, "records": n // 2}
        ],
        "task_stream": [{"method": "task_stream", "name": "a", "by": GROUP, "tasks": labels[:8], "records": n // 20}],
        "stream": [
            {"method": "stream", "name": "a", "by": GROUP, "tasks": 6, "pretraining": ["g00"], "records": n // 10}
        ],
        "amounts": [{"method": "amounts", "name": "a", "by": GROUP, "shares": dict.fromkeys(labels, 0.7)}],
    }


TOPICS, STEPS = 24, 20
TWO_NAMES = ["topic", "step"]
MIXTURES: dict[str, dict[str, Any]] = {
    "by two names": {"by": TWO_NAMES},
    "quality_curve inside topics": {"by": "topic", "inside": {"by": "step", "method": "quality_curve"}},
    "sigmoid inside topics": {"by": "topic", "inside": {"by": "step", "method": "sigmoid"}},
    "moving, linear": {"by": TWO_NAMES, "method": "moving", "start": {}, "end": {"method": "uniform"}},
    "moving, cosine": {
        "by": TWO_NAMES,
        "method": "moving",
        "shape": "cosine",
        "start": {},
        "end": {"method": "uniform"},
    },
}
"""Over 24 topics x 20 steps of quality."""


def measure(name: str, phases: list[dict[str, Any]], n: int, results: Any) -> None:
    """One run: (name, seconds, peak GB, positions)."""
    from curation.mixture import planning
    from curation.mixture.plan import Feedback
    from curation.mixture.pool import Labels, Pool
    from schemas.recipe import Recipe

    draw = np.random.default_rng(0)
    columns: dict[str, Any] = {
        GROUP: Labels(draw.integers(0, 20, n).astype(np.int32), tuple(f"g{i:02}" for i in range(20))),
        SCORE: draw.random(n),
        "level": draw.integers(0, 3, n).astype(np.float64),
        "stage": draw.integers(0, 3, n).astype(np.float64),
        "topic": Labels(draw.integers(0, TOPICS, n).astype(np.int32), tuple(f"t{i:02}" for i in range(TOPICS))),
        "step": Labels(draw.integers(0, STEPS, n).astype(np.int32), tuple(f"{i + 1:02}" for i in range(STEPS))),
        "concept": draw.integers(0, 200, n).astype(np.float64),
    }
    tokens = draw.integers(50, 150, n)
    pool = Pool(
        ids=draw.integers(0, 2**63, (n, 2)).astype(np.uint64),
        partition=np.zeros(n, dtype=np.int32),
        index=np.arange(n, dtype=np.int32),
        bytes_=tokens * 4,
        tokens=tokens,
        columns=columns,
    )
    if name == "limit: argsort of one key":
        began = time.perf_counter()
        np.argsort(pool.ids[:, 0])
        results.put((name, time.perf_counter() - began, _peak(), n))
        return
    if name == "limit: lexsort of ids":
        began = time.perf_counter()
        np.lexsort((pool.ids[:, 1], pool.ids[:, 0]))
        results.put((name, time.perf_counter() - began, _peak(), n))
        return
    tags = {column: {"from": "column", "column": column} for column in columns}
    source = {"name": "s", "paths": ["s.jsonl"]}
    recipe = Recipe.model_validate({"name": "x", "sources": [source], "tags": tags, "mixture": None, "phases": phases})
    began = time.perf_counter()
    _, ordered = planning.plan_and_schedule(recipe, pool, Feedback())
    results.put((name, time.perf_counter() - began, _peak(), len(ordered.document)))


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--documents", type=int, default=10_000_000)
    parser.add_argument("--only", help="a part of the name")
    asked = parser.parse_args()
    runs: dict[str, list[dict[str, Any]]] = {"limit: argsort of one key": [], "limit: lexsort of ids": []}
    for name, fields in SETTINGS.items():
        order = "shuffle" if name == "shuffle" else {"method": name, **fields}
        runs[f"order {name}"] = [{"name": "a", "epochs": 1, "order": order}]
    runs |= {f"schedule {name}": phases for name, phases in schedules(asked.documents).items()}
    runs |= {f"mixture {name}": [{"name": "a", "epochs": 1, "mixture": one}] for name, one in MIXTURES.items()}
    context = multiprocessing.get_context("spawn")
    print(f"{'':40} {'seconds':>8} {'peak GB':>8} {'positions':>12}")
    for name, phases in runs.items():
        if asked.only and asked.only not in name:
            continue
        results: Any = context.Queue()
        child = context.Process(target=measure, args=(name, phases, asked.documents, results))
        child.start()
        done = results.get()
        child.join()
        print(f"{done[0]:40} {done[1]:8.1f} {done[2]:8.2f} {done[3]:12,}", flush=True)
    print(json.dumps({"documents": asked.documents}))


if __name__ == "__main__":
    main()
