"""What may go and what must stay."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from curation.releases.home import Home
from curation.releases.retain import plan_sweep, sweep


def home_of(folder: Path, releases: int, *, history: bool = False, latest: int | None = None) -> tuple[Home, list[str]]:
    """A chain of releases, each made from two cached partitions, one of them its own."""
    home = Home(str(folder))
    names = [f"2026010{i + 1}T000000-00000{i}" for i in range(releases)]
    for i, name in enumerate(names):
        (folder / name).mkdir(parents=True)
        plain = {"parent": names[i - 1] if i else None, "recipe": {"dedup": {"history": history}}}
        (folder / name / "manifest.json").write_text(json.dumps(plain))
        (folder / ".cache" / "made-from").mkdir(parents=True, exist_ok=True)
        (folder / ".cache" / "made-from" / f"{name}.json").write_text(json.dumps([f"own{i}", "shared"]))
        for key in (f"own{i}", "shared"):
            (folder / ".cache" / "prepared" / key).mkdir(parents=True, exist_ok=True)
    if names:
        home.point_latest(names[-1 if latest is None else latest])
    return home, names


def test_the_last_and_the_parent_of_the_oldest_of_them(tmp_path: Path) -> None:
    home, names = home_of(tmp_path, 6)
    plan = plan_sweep(home, keep_last=2)
    assert plan.releases == names[:3]
    assert plan.kept[names[3]] == f"the parent of {names[4]}"
    assert plan.kept[names[5]] == "the latest"
    assert sorted(Path(p).name for p in plan.prepared) == ["own0", "own1", "own2"]
    sweep(home, plan)
    assert home.releases() == names[3:]
    assert sorted(p.name for p in (tmp_path / ".cache" / "prepared").iterdir()) == ["own3", "own4", "own5", "shared"]
    again = plan_sweep(home, keep_last=2)
    assert (again.releases, again.prepared, again.leftovers) == ([], [], [])


def test_history_stays_unless_it_is_to_be_forgotten(tmp_path: Path) -> None:
    home, names = home_of(tmp_path, 4, history=True)
    assert plan_sweep(home, keep_last=1).releases == []
    assert plan_sweep(home, keep_last=1, forget_history=True).releases == names[:2]


def test_unfinished_releases_and_scratch_go_and_other_folders_stay(tmp_path: Path) -> None:
    home, names = home_of(tmp_path, 2)
    for name in ("20260109T000000-ffffff", "notes", "evaluations", "swarms/20260109T000000-eeeeee"):
        (tmp_path / name).mkdir(parents=True)
    Path(home.cache("work", "abc")).mkdir(parents=True)
    plan = plan_sweep(home, keep_last=5)
    assert plan.releases == []
    assert sorted(Path(p).name for p in plan.leftovers) == ["20260109T000000-eeeeee", "20260109T000000-ffffff", "abc"]
    sweep(home, plan)
    assert (tmp_path / "notes").exists()
    assert (tmp_path / "evaluations").exists()
    assert home.releases() == names


def test_no_partition_goes_while_a_release_does_not_say_what_it_was_made_from(tmp_path: Path) -> None:
    home, names = home_of(tmp_path, 3)
    (tmp_path / ".cache" / "made-from" / f"{names[2]}.json").unlink()
    assert plan_sweep(home, keep_last=1).prepared == []


@given(st.integers(0, 6), st.integers(1, 8), st.booleans(), st.data())
def test_latest_and_parents_of_what_stays_are_never_removed(
    n: int, keep: int, history: bool, data: st.DataObject
) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        latest = data.draw(st.integers(0, n - 1)) if n else None
        home, _ = home_of(Path(folder) / "h", n, history=history, latest=latest)
        plan = plan_sweep(home, keep_last=keep, forget_history=True)
        assert home.latest() not in plan.releases
        base = {*home.releases()[-keep:], *([home.latest()] if n else [])}
        assert base <= set(plan.kept)
        assert not {home.manifest(str(name))["parent"] for name in base} & set(plan.releases)
        assert sorted([*plan.releases, *plan.kept]) == home.releases()
