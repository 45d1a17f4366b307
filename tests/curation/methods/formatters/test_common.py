"""Instruction and chat, thoughts, steps, demonstrations, tags, tables, lists, template."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from curation.arrays.document_ids import id_words
from curation.methods.formatters import lots, render
from curation.methods.formatters.values import OWN_NAME
from schemas.errors import RecipeError
from schemas.formatters import Demonstrations
from tests.conftest import Vector
from tests.curation.methods.formatters.common import PARSE, documents, written


def test_in_boxbart(vector: Vector) -> None:
    given = vector("inboxbart.prompt")
    what = given["input"]
    example = dict(zip(("input", "output", "explanation"), what["examples"][0], strict=True))
    task = {"definition": what["definition"], "examples": [example]}
    table = documents(["right eye"], [what["instance"]])
    [[prompt, answer]] = written(table, method="instruction", tasks={"anatomy": task})
    assert prompt[0].rstrip("\n") == given["output"]["source"]
    assert prompt[1:] == ("prompt", False)
    assert answer == ("right eye", "answer", True)
    [[short, _]] = written(table, method="instruction", tasks={"anatomy": task}, max_chars=100)
    assert "Positive Examples" not in short[0]
    assert what["instance"] in short[0]


def test_chat() -> None:
    [asked, bare] = written(documents(["Yes.", "Hello"], ["Is it?", None]), method="chat", system="Be kind.")
    assert asked == [
        ("<|system|>\nBe kind.\n<|user|>\nIs it?\n<|assistant|>\n", "prompt", False),
        ("Yes.<|endoftext|>", "answer", True),
    ]
    assert bare[0][0] == "<|system|>\nBe kind.\n<|assistant|>\n"


def test_thoughts_have_no_loss(vector: Vector) -> None:
    given = vector("ptr.mask")
    pieces = {name: "x" * length for name, length in given["input"]["segments"]}
    table = documents([pieces["answer"]], [pieces["query"]], thoughts=[[pieces["thought1"], pieces["thought2"]]])
    for loss, field in ((False, "loss_mask"), (True, "unmasked_ablation")):
        [segments] = written(table, method="thoughts", thoughts="thoughts", separator="", loss=loss)
        mask = [int(flag) for text, kind, flag in segments for _ in text.strip("\n")]
        assert mask == given["output"][field]
    [plain] = written(documents(["a"], ["q"], thoughts=[[]]), method="thoughts", thoughts="thoughts")
    assert [kind for _, kind, _ in plain] == ["prompt", "answer"]


def test_ratio_of_explicit_cot(vector: Vector) -> None:
    """Through shards: the recipe ``cot-ratio``. Places of one document have lots of their own."""
    given = vector("explicit_cot.ratio")
    n, share = given["input"]["n"], given["input"]["lambda"]
    table = documents(["answer"] * n, prompts=["question"] * n, steps=[["one 1", "two 2"]] * n)
    ids = id_words(table["id"])
    drawn = lots.of_phase(ids, np.zeros(n, dtype=np.int32), seed=0, phase="p")
    made = written(table.append_column(lots.COLUMN, pa.array(drawn)), method="steps", steps="steps", share=share)
    assert sum(any(kind == "thought" for _, kind, _ in row) for row in made) == given["output"]["cot_records"]
    copies = np.repeat(np.arange(2, dtype=np.int32), n)
    twice = lots.of_phase(np.concatenate([ids, ids]), copies, seed=0, phase="p")
    assert (np.sort(twice) == (np.arange(2 * n) + 0.5) / (2 * n)).all()
    assert abs(np.corrcoef(twice[:n], twice[n:])[0, 1]) < 0.1


def test_a_share_of_documents_gets_steps_and_some_are_wrong() -> None:
    n = 1000
    table = documents(["42"] * n, ["6 * 7?"] * n, steps=[["6 * 7 = 42", "so 42"]] * n)
    made = written(table, method="steps", steps="steps", share=0.3, noise=0.1)
    with_steps = [row for row in made if len(row) > 2]
    assert 250 < len(with_steps) < 350
    wrong = [
        text
        for row in with_steps
        for text, kind, _ in row
        if kind == "thought" and text.strip() not in ("6 * 7 = 42", "so 42")
    ]
    assert 30 < len(wrong) < 95
    assert all(row[-1] == ("42", "answer", True) for row in made)


@pytest.mark.parametrize(
    ("near", "ids"),
    [
        (["Ask me:\n\n 2 + 2 ?  Four, surely.", "other"], None),
        (["Q: 2 + 2 ? A: Four,  surely.", "other"], None),
        (["Four,\nsurely.", "other"], None),
        (["rewritten so that nothing is alike", "other"], ["own", "x"]),
        (["rewritten so that nothing is alike", "other"], ["a" * 32, "x"]),
    ],
)
def test_no_record_is_its_own_demonstration(near: list[str], ids: list[str] | None) -> None:
    table = pa.table(
        {
            "id": ["a" * 32],
            OWN_NAME: ["own"],
            "text": pa.array(["Four, surely."], pa.large_string()),
            "prompt": pa.array(["2 + 2 ?"], pa.large_string()),
            "near": pa.array([near], pa.list_(pa.string())),
            "which": pa.array([ids or []], pa.list_(pa.string())),
        }
    )
    fields = {"method": "demonstrations", "examples": "near", **({"ids": "which"} if ids else {})}
    made = render(table, Demonstrations.model_validate(fields), seed=0, phase="p")
    assert made.texts.to_pylist() == ["other\n\n2 + 2 ?\n\nFour, surely."]


def test_demonstrations_by_similarity(vector: Vector) -> None:
    given = vector("demo.packing")
    names = sorted(given["input"]["similarity"])
    near = [str(given["input"]["similarity"][name]) for name in names]
    texts = [name.ljust(given["input"]["lengths"][name], ".") for name in names]
    for budget, (chosen, total) in given["output"].items():
        fields = {"method": "demonstrations", "examples": "near", "similarities": "like", "separator": ""}
        fields |= {"documents": given["input"]["k"], "max_chars": int(budget)}
        [row] = written(documents(["me"], near=[texts], like=[near]), **fields)
        shown = [text.rstrip("\n") for text, kind, _ in row if kind == "demonstration"]
        assert [text[:2] for text in shown] == chosen
        assert sum(map(len, shown)) == total


def test_a_copy_of_the_document_is_no_demonstration() -> None:
    table = documents(["me"], near=[["me", "far", "close"]], like=[["1.0", "0.2", "0.8"]])
    fields = {"method": "demonstrations", "examples": "near", "similarities": "like"}
    [row] = written(table, **fields)
    assert [text for text, kind, _ in row if kind == "demonstration"] == ["far\n\n", "close\n\n"]
    [row] = written(table, max_similarity=0.5, **fields)
    assert [(kind, loss) for _, kind, loss in row] == [("demonstration", False), ("content", True)]


def test_qwen_audio_tags(vector: Vector) -> None:
    given = vector("qwen_audio.tags")
    rows = [line.removeprefix("<|").removesuffix("|>").split("|><|") for line in given["output"].values()]
    names = given["input"]["slots"]
    table = documents(["t"] * len(rows), **{name: [row[i] for row in rows] for i, name in enumerate(names)})
    slots = [{"name": name, "vocabulary": sorted({row[i] for row in rows})} for i, name in enumerate(names)]
    made = written(table, method="tags", slots=slots)
    assert [row[0] for row in made] == [(line, "metadata", False) for line in given["output"].values()]
    slots[0]["vocabulary"] = ["startofanalysis"]
    with pytest.raises(RecipeError, match=r"slots\[0\].*another value"):
        written(table, method="tags", slots=slots)


def test_tables_and_lists() -> None:
    [[rows]] = written(documents(["a,b\n1,2\n3,4"]), method="table")
    assert rows[0] == "col : a | b row 1 : 1 | 2 row 2 : 3 | 4"
    [[shown]] = written(documents(["a,b\n1,|"]), method="table", style="markdown")
    assert shown[0] == "| a | b |\n| --- | --- |\n| 1 | \\| |"
    [[plain]] = written(documents(["no table"]), method="table")
    assert plain[0] == "no table"
    [[listed]] = written(documents(["x"], items=[["pear", "fig"]]), method="enumerate", items="items")
    assert listed[0] == "1. pear\n2. fig"


def test_hashed_metadata_tells_only_what_is_equal() -> None:
    table = documents(["t"] * 3, domain=["a.org", "b.org", "a.org"])
    prefixes = [row[0][0] for row in written(table, template="URL: {domain}\n\n", hash=True)]
    assert prefixes[0] == prefixes[2] != prefixes[1]
    assert "a.org" not in prefixes[0]


def test_one_demonstration_a_pass_with_weights_that_add_up_to_one() -> None:
    near = [["first", "second", "third"], ["only"]]
    table = documents(
        ["answer", "other"], ["question", "asked"], near=near, similarities=[["0.5", "0.9", "0.1"], ["0.3"]]
    )
    params = PARSE.validate_python(
        {"method": "demonstrations", "examples": "near", "similarities": "similarities", "one_a_pass": True}
    )
    wanted = np.exp([0.9, 0.5, 0.1]) / np.exp([0.9, 0.5, 0.1]).sum()
    total = np.zeros(2)
    for number, name in enumerate(["second", "first", "third", "third"]):
        made = render(table.append_column("epoch", pa.array([number] * 2, pa.int32())), params, seed=0, phase="p")
        assert made.texts[0].as_py().startswith(f"{name}\n\n")
        weights = [w for w, s in zip(made.weights, made.segments.flatten().to_pylist(), strict=True) if s["loss"]]
        assert weights[0] == pytest.approx(wanted[number] if number < 3 else 0)
        total += weights
    np.testing.assert_allclose(total, [1, 1], rtol=1e-6)
