"""A release of packed sequences: every document's tokens in order, for any number of workers, and as the loader reads it."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from curation.mixture import planning
from curation.recipes.recipe_file import load
from curation.releases.verify import verify
from curation.training import ShardDataset
from curation.training.tokens import special_ids
from flows.curate import with_engine
from flows.progress import silent
from schemas.errors import RecipeError, RecipeMistakes
from schemas.shards import Packing
from tests.conftest import Command, Vector, recipe_of, release_of, shard_bytes, write_jsonl
from tests.every_stage import tokenizer_of

tokenizers = pytest.importorskip("tokenizers")
LENGTH = 64
LONG = 1024


def with_special(folder: Path, tokens: list[str]) -> str:
    """The same tokenizer with special tokens."""
    made = tokenizers.Tokenizer.from_file(tokenizer_of(folder))
    made.add_special_tokens(tokens)
    made.save(str(folder / "special.json"))
    return str(folder / "special.json")


def run(folder: Path, output: Path, **parts: Any) -> tuple[dict[str, Any], pl.DataFrame]:
    recipe = load(str(recipe_of(folder, **parts)), [f"output={output}"])
    outcomes: list[Any] = []
    with_engine(recipe, keep=outcomes.append, progress=silent())(recipe, None)
    assert outcomes[0].manifest is not None, outcomes[0].message
    assert verify(outcomes[0].folder) == []
    rows = pl.read_parquet(f"{outcomes[0].folder}/shards/*.parquet").sort("position")
    return json.loads(Path(outcomes[0].folder, "manifest.json").read_text()), rows


@pytest.mark.server
@pytest.mark.usefixtures("api")
def test_each_method_with_the_tokenizers_own_tokens(corpus: Path, tmp_path: Path) -> None:
    path = with_special(tmp_path, ["<s>", "</s>", "<pad>"])
    known = tokenizers.Tokenizer.from_file(path)
    begin, end, pad = (known.token_to_id(token) for token in ("<s>", "</s>", "<pad>"))
    plain = {"max_bytes": "64KB", "tokenizer": path}
    _, documents = run(tmp_path, tmp_path / "plain", shards=plain)
    wanted = {
        (phase, name): ([begin, *ids, end], [mask[0], *mask, 1])
        for phase, name, ids, mask in documents.select("phase", "id", "input_ids", "loss_mask").iter_rows()
    }
    in_all = {}
    for method in ("concat", "complete", "best_fit"):
        shards = {**plain, "sequence_length": LONG, "packing": {"method": method, "offsets": True}}
        made = [
            run(tmp_path, tmp_path / f"{method}{workers}", shards=shards, engine={"workers": workers})
            for workers in ((1, 2) if method == "best_fit" else (2,))
        ]
        assert made[0][1].equals(made[-1][1])
        manifest, packed = made[0]
        found: dict[tuple[str, str], tuple[list[int], list[int]]] = {}
        pieces: Counter[tuple[str, str]] = Counter()
        padded = 0
        for row in packed.iter_rows(named=True):
            for name, span, offset in zip(row["doc_ids"], row["doc_spans"], row["doc_offsets"], strict=True):
                ids, mask = found.setdefault((row["phase"], name), ([], []))
                assert offset == len(ids)
                ids += row["input_ids"][span["start"] : span["end"]]
                mask += row["loss_mask"][span["start"] : span["end"]]
                pieces[row["phase"], name] += 1
            last = row["doc_spans"][-1]["end"]
            assert row["input_ids"][last:] == [pad] * (LONG - last)
            assert not any(row["loss_mask"][last:])
            padded += LONG - last
        assert found.keys() == wanted.keys()
        short = [name for name in wanted if len(found[name][0]) < len(wanted[name][0])]
        for name, (ids, _) in wanted.items():
            assert found[name][0] == ids[: len(found[name][0])]
        # A sequence of a prefix alone has loss on its last ten tokens, else it would have none at all.
        differ = [name for name in wanted if found[name][1] != wanted[name][1][: len(found[name][1])]]
        assert len(differ) < len(wanted) / 20
        lost = sum(len(wanted[name][0]) - len(found[name][0]) for name in short)
        cut = len({*short, *(name for name, n in pieces.items() if n > 1)})
        in_all[method] = manifest["packing"]
        assert manifest["packing"] == {"padded": padded, "cut": cut, "dropped_tokens": lost}
        for name, total in manifest["packing"].items():
            assert sum(shard[name] for shard in manifest["shards"]) == total
    assert in_all["concat"]["dropped_tokens"] == in_all["best_fit"]["dropped_tokens"] == 0
    assert in_all["complete"]["dropped_tokens"] > 0
    assert in_all["best_fit"]["cut"] == sum(len(ids) > LONG for ids, _ in wanted.values())
    assert in_all["best_fit"]["cut"] < in_all["concat"]["cut"]


@pytest.mark.server
@pytest.mark.slow
@pytest.mark.usefixtures("api")
def test_order_groups_and_spans_as_the_recipe_says(corpus: Path, tmp_path: Path) -> None:
    path = with_special(tmp_path, ["<s>", "</s>", "<pad>"])
    plain = {"max_bytes": "64KB", "tokenizer": path}
    _, documents = run(tmp_path, tmp_path / "plain", shards=plain)
    source = dict(documents.select("id", "source").iter_rows())
    order = documents["id"].to_list()

    def packed(name: str, length: int = 1240, **packing: Any) -> tuple[dict[str, Any], pl.DataFrame]:
        return run(tmp_path, tmp_path / name, shards={**plain, "sequence_length": length, "packing": packing})

    exact, rows = packed("exact", method="best_fit", window=0)
    names = [name for row in rows["doc_ids"] for name in row]
    assert [name for i, name in enumerate(names) if not i or names[i - 1] != name] == order
    moved, rows = packed("moved", method="best_fit", window=8)
    first = {name: place for place, name in reversed([*enumerate(name for row in rows["doc_ids"] for name in row)])}
    ranked = sorted(order, key=lambda name: first[name])
    moves = {name: place for place, name in enumerate(order)}
    assert 0 < max(abs(moves[name] - place) for place, name in enumerate(ranked)) < 8
    free, _ = packed("free", method="best_fit")
    assert exact["packing"]["padded"] > moved["packing"]["padded"] > free["packing"]["padded"]

    for method in ("concat", "best_fit"):
        apart, rows = packed(f"apart-{method}", method=method, groups="source")
        assert all(len({source[name] for name in row}) == 1 for row in rows["doc_ids"])
        assert {name for row in rows["doc_ids"] for name in row} == set(order)
        assert apart["packing"]["dropped_tokens"] == 0

    spans, rows = packed("spans", 1000, method="concat", min_span=200)
    sizes: dict[str, list[int]] = {}
    for row in rows.iter_rows(named=True):
        for name, span in zip(row["doc_ids"], row["doc_spans"], strict=True):
            sizes.setdefault(name, []).append(span["end"] - span["start"])
    assert min(size for parts in sizes.values() if len(parts) > 1 for size in parts) >= 200
    assert 0 < spans["packing"]["dropped_tokens"] < 200 * len(order)


@pytest.mark.parametrize(
    ("packing", "says"),
    [
        ({"window": 3}, "window is for best_fit"),
        ({"method": "best_fit", "min_span": 3}, "min_span is for concat and complete"),
        ({"min_span": 40}, "at most half of sequence_length"),
        ({"groups": "nothing"}, "no declared tag, nor source or language"),
    ],
)
def test_what_packing_does_not_go_with(corpus: Path, tmp_path: Path, packing: dict[str, Any], says: str) -> None:
    shards = {"tokenizer": with_special(tmp_path, ["<s>"]), "sequence_length": LENGTH, "packing": packing}
    with pytest.raises(RecipeMistakes, match=says):
        load(str(recipe_of(tmp_path, shards=shards)), [])


@pytest.mark.parametrize(
    ("tokens", "packing", "field"),
    [
        ([], {}, "begin"),
        (["<s>", "</s>"], {}, "pad"),
        (["<s>"], {"end": "</s>", "pad": None}, "end"),
        (["<s>"], {"end": 100_000, "pad": None}, "end"),
    ],
)
def test_a_token_that_the_tokenizer_lacks(
    corpus: Path, tmp_path: Path, tokens: list[str], packing: dict[str, Any], field: str
) -> None:
    shards = {"tokenizer": with_special(tmp_path, tokens), "sequence_length": LENGTH, "packing": packing}
    recipe = load(str(recipe_of(tmp_path, shards=shards)), [])
    with pytest.raises(RecipeError, match=f"shards.packing.{field}"):
        planning.check_names(recipe)


def test_tokens_that_the_post_processor_writes(tmp_path: Path) -> None:
    path = with_special(tmp_path, ["<other>", "<|im_start|>", "<|im_end|>"])
    made = tokenizers.Tokenizer.from_file(path)
    ids = {token: made.token_to_id(token) for token in ("<|im_start|>", "<|im_end|>")}
    made.post_processor = tokenizers.processors.TemplateProcessing(
        "<|im_start|> $A <|im_end|>", None, list(ids.items())
    )
    made.enable_padding(pad_id=ids["<|im_end|>"], pad_token="<|im_end|>")
    made.save(path)
    first, last = ids.values()
    assert special_ids(path, Packing()) == {"begin": first, "end": last, "pad": last}
    assert special_ids(path, Packing(begin=None, end="<other>", pad=5)) == {
        "begin": None,
        "end": made.token_to_id("<other>"),
        "pad": 5,
    }


@pytest.mark.server
def test_packed_release(corpus: Path, tmp_path: Path, syllabus: Command) -> None:
    path = tokenizer_of(tmp_path)
    plain = {"max_bytes": "64KB", "tokenizer": path}
    assert syllabus("run", str(recipe_of(tmp_path, shards=plain))).returncode == 0
    rows = pl.read_parquet(release_of(tmp_path) / "shards" / "*.parquet").sort("position")
    wanted: dict[tuple[str, str], list[int]] = dict(
        zip(zip(rows["phase"], rows["id"], strict=True), rows["input_ids"].to_list(), strict=True)
    )
    made: dict[str, bytes] = {}
    for workers in (2, 1):
        shutil.rmtree(tmp_path / "out")
        recipe = recipe_of(tmp_path, shards={**plain, "sequence_length": LENGTH}, engine={"workers": workers})
        done = syllabus("run", str(recipe))
        assert done.returncode == 0, done.stderr
        assert f"rows of {LENGTH} tokens: " in done.stdout
        made = made or shard_bytes(release_of(tmp_path))
        assert shard_bytes(release_of(tmp_path)) == made
    release = release_of(tmp_path)
    assert verify(str(release)) == []
    packed = pl.read_parquet(release / "shards" / "*.parquet").sort("position")
    assert packed["position"].to_list() == list(range(len(packed)))
    found: dict[tuple[str, str], list[int]] = {}
    for row in packed.iter_rows(named=True):
        assert len(row["input_ids"]) == len(row["loss_mask"]) == LENGTH
        for name, span in zip(row["doc_ids"], row["doc_spans"], strict=True):
            found.setdefault((row["phase"], name), []).extend(row["input_ids"][span["start"] : span["end"]])
    assert found == wanted
    assert list(found) == list(wanted)
    manifest = json.loads((release / "manifest.json").read_text())
    realised = [sum(a["documents"] for a in phase["realised"].values()) for phase in manifest["phases"]]
    assert sum(realised) == len(rows)
    batch = next(iter(ShardDataset(str(release), batch_size=4)))
    np.testing.assert_array_equal(np.asarray(batch["input_ids"]), np.array(packed["input_ids"].to_list()[:4]))
    assert syllabus("explain", str(release), rows["id"][0]).returncode == 0
    assert syllabus("report", str(release)).returncode == 0


def by_character(folder: Path) -> str:
    """A tokenizer whose ids are the characters' numbers, with 1 and 2 around a document."""
    vocabulary = {"<s>": 1, "</s>": 2, "<pad>": 3, **{chr(i): i for i in range(32, 127)}, "\n": 10}
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="<pad>"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Split(tokenizers.Regex(r"[\s\S]"), "isolated")
    made.add_special_tokens(["<s>", "</s>", "<pad>"])
    made.save(str(folder / "characters.json"))
    return str(folder / "characters.json")


def packed_of(
    folder: Path, rows: list[dict[str, Any]], template: str, **shards: Any
) -> tuple[dict[str, Any], pl.DataFrame]:
    """The rows of a release of these documents, in their order."""
    write_jsonl(folder / "raw" / "rows.jsonl", rows)
    order = {"method": "sort", "by": "number"}
    return run(
        folder,
        folder / "out",
        sources=[{"name": "rows", "paths": [str(folder / "raw" / "rows.jsonl")]}],
        clean={},
        tags={
            "domain": {"from": "url"},
            "pre": {"from": "column", "column": "pre"},
            "number": {"from": "number", "column": "number"},
        },
        conditioning={"template": template},
        phases=[{"name": "all", "epochs": 1, "order": order}],
        shards={"tokenizer": by_character(folder), **shards},
    )


@pytest.mark.server
@pytest.mark.usefixtures("api")
def test_the_published_document(tmp_path: Path, vector: Vector) -> None:
    given = vector("meco.single_doc")
    what, out = given["input"], given["output"]
    row = {"text": what["text"], "url": what["url"], "number": 0, "pre": None}
    template = f"{what['prefix']}{{domain}}{what['suffix']}"
    packing = {"method": "concat", "begin": "<s>", "end": "</s>", "pad": "<pad>"}
    _, rows = packed_of(tmp_path, [row], template, sequence_length=out["length"], packing=packing)
    assert rows["input_ids"].to_list() == [out["input_ids"]]
    assert rows["loss_mask"].to_list() == [out["mask"]]


@pytest.mark.server
@pytest.mark.usefixtures("api")
def test_the_published_complete_packing(tmp_path: Path, vector: Vector) -> None:
    given = vector("meco.pack_complete")
    documents, letters = given["input"]["docs"], iter("abcdefghijklmnopqrstuvwxyz")
    renamed: dict[int, int] = {1: 1, 2: 2}
    rows = []
    for number, document in enumerate(documents):
        inside = list(zip(document["ids"], document["mask"], strict=True))[1:-1]
        text = "".join(letter for (one, _), letter in zip(inside, letters, strict=False))
        renamed |= {one: ord(letter) for (one, _), letter in zip(inside, text, strict=True)}
        prefix = sum(not loss for _, loss in inside)
        rows.append({"text": text[prefix:], "pre": text[:prefix] or None, "number": number, "url": None})
    packing = {"method": "complete", "begin": "<s>", "end": "</s>", "pad": "<pad>"}
    manifest, packed = packed_of(
        tmp_path, rows, "{pre}", sequence_length=given["input"]["target_length"], packing=packing
    )
    wanted = given["output"]["rows"]
    assert packed["input_ids"].to_list()[:2] == [[renamed[one] for one in row["input_ids"]] for row in wanted]
    # The vector's packer is given masks without loss on begin tokens; a document without a prefix trains on it, as in the
    # authors' data without metadata.
    plain = {document["ids"][1] for document in documents if document["mask"][1]}
    for row, mask in zip(wanted, packed["loss_mask"].to_list(), strict=False):
        after = [*row["input_ids"][1:], documents[3]["ids"][1]]
        begins = [one == 1 and following in plain for one, following in zip(row["input_ids"], after, strict=True)]
        assert mask == [int(loss or begin) for loss, begin in zip(row["mask"], begins, strict=True)]
    spans = [[[s["start"], s["end"]] for s in row] for row in packed["doc_spans"].to_list()[:2]]
    assert spans == [row["indices"] for row in wanted]
    # The last document is shorter than a row: the authors drop it, here it is filled up (`padded`).
    left = given["output"]["tokens_left_in_buffer_dropped"]
    assert len(packed) == 3
    assert manifest["packing"]["padded"] == given["input"]["target_length"] - left
