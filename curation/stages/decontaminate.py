"""*decontaminate*: documents that hold benchmark items, one partition at a time.

By GPT-3's rule (Brown et al. 2020, appendix C) every 13-gram that a document shares with an item is a collision, unless it
stands in more than ten documents; collisions are cut out with 200 characters on each side, pieces under 200 characters go,
and a document left in more than ten pieces is dropped. Here the pieces stay one document, a blank line between them.

Tülu 3's coverage (Lambert et al. 2024, section 3.2): a token of an item matches a document if both have an n-gram that
includes it; the document is dropped if it matches more than ``max_coverage`` of the item's tokens. Items of fewer than
n tokens are left out, or match where they stand whole (``short_items``); an item that too many documents hold is no sign
of contamination (``max_hits``). Every column that may be written is compared. Tokens are lower-cased runs of letters and digits, and single characters in
scripts without spaces; n-grams are compared by 64-bit hashes over the items' vocabulary.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from curation import storage, turns
from curation.arrays.arrow_text import as_text
from curation.cleaning import places as text_places
from curation.decontamination.items import Int, Items, coverages, items_of, matches, numbers_of, tokens
from curation.decontamination.judged import by_collisions, by_coverage, part_of
from curation.dedup.minhash import comparable
from curation.dedup.shared_grams import may_share
from curation.releases.hits import hits_table
from curation.releases.work import Done, Work
from schemas.decontamination import Decontaminate
from schemas.tables import DECIDED
from schemas.work import Prepared


@dataclass(frozen=True)
class Cleaned:
    """A partition after the stage: its documents, perhaps written anew; what is dropped (DECIDED); every hit (HITS); and
    how many documents and places were rewritten."""

    prepared: Prepared
    decided: pa.Table
    hits: pa.Table
    edits: tuple[int, int]


def run_collisions(work: Work, number: int) -> Done:
    """What one partition holds of the benchmarks, to be counted over all."""
    found = collisions(work.part(number, before="decontaminate"), _kept(work, number), _params(work), work.benchmarks)
    target = work.path("collisions", number, "arrow")
    storage.put_arrow(target, found)
    return Done({"compared": len(_kept(work, number))}, [target])


def run_frequent(work: Work, _: int) -> Done:
    """What stands in too many documents to be a sign of contamination."""
    paths = [work.path("collisions", number, "arrow") for number in work.numbers]
    compared = sum(len(_kept(work, number)) for number in work.numbers)
    ignored = frequent([storage.read_arrow(path) for path in paths], _params(work), compared)
    target = work.path("frequent", 0, "arrow")
    storage.put_arrow(target, ignored)
    return Done({"ignored": len(ignored), "compared": compared}, [target])


def run(work: Work, number: int) -> Done:
    """Which documents of one partition hold benchmark items, and what becomes of them."""
    ignored = storage.read_arrow(work.path("frequent", 0, "arrow"))["key"].to_numpy()
    rows = np.unique(storage.read_arrow(work.path("collisions", number, "arrow"))["row"].to_numpy())
    target, hits = work.path("documents-decontaminate", number), work.path("hits", number)
    part = work.part(number, before="decontaminate")
    maskable = not work.source(number).has_turns
    done = decontaminate(part, number, rows, _params(work), work.benchmarks, ignored, target, maskable=maskable)
    files = [work.decide("decontaminate", number, done.decided), hits]
    storage.put_table(hits, done.hits)
    if done.prepared.rewritten == target:
        files.append(target)
    return Done({"dropped": len(done.decided), "documents": done.edits[0], "places": done.edits[1]}, files)


def _params(work: Work) -> Decontaminate:
    if work.recipe.decontaminate is None:
        raise ValueError("the recipe decontaminates nothing")
    return work.recipe.decontaminate


def _kept(work: Work, number: int) -> Int:
    return work.left(number, before="decontaminate")


def collisions(prepared: Prepared, kept: Int, params: Decontaminate, files: tuple[tuple[str, str], ...]) -> pa.Table:
    """What documents of a partition hold: (row, key), each once a document. key: the number of an item that is covered (ngram),
    or the hash of one of the items' n-grams (gpt3).
    """
    items = items_of(params, files)
    rows: list[int] = []
    keys = [np.zeros(0, dtype=np.uint64)]
    for row, _, text, _ in _texts(prepared, kept, items, params):
        numbers = numbers_of(tokens(text), items)
        if params.method == "gpt3":
            found = [items.grams[n][0][first] for n, _, first, _ in matches(numbers, items)]
        else:
            shares = coverages(numbers, items)
            found = [np.array([item for item, share in shares.items() if share > params.max_coverage], dtype=np.uint64)]
        for some in found:
            rows += [row] * len(some)
            keys.append(some)
    table = pa.table({"row": pa.array(rows, pa.int64()), "key": np.concatenate(keys)})
    return table.group_by(["row", "key"]).aggregate([]) if rows else table


MIN_COMMON = 10
"""Documents that an item may be found in, however small the corpus, before it can be too common (as many as GPT-3's n-grams)."""


def frequent(found: list[pa.Table], params: Decontaminate, compared: int) -> pa.Table:
    """The keys that stand in too many documents, sorted, and in how many. compared: documents in all."""
    keys = np.concatenate([np.zeros(0, dtype=np.uint64), *(table["key"].to_numpy() for table in found)])
    key, count = np.unique(keys, return_counts=True)
    most = params.max_documents if params.method == "gpt3" else max(params.max_hits * compared, MIN_COMMON)
    return pa.table({"key": key[count > most], "documents": count[count > most].astype(np.int64)})


def decontaminate(
    prepared: Prepared,
    number: int,
    kept: Int,
    params: Decontaminate,
    files: tuple[tuple[str, str], ...],
    ignored: npt.NDArray[np.uint64],
    target: str,
    *,
    maskable: bool = True,
) -> Cleaned:
    """What becomes of a partition's kept documents. kept: sorted rows of its documents table.

    ignored: the keys that ``frequent`` gave. target: where the documents go if some are rewritten. A document is judged by
    the first of its places that is hit; only its text can be masked, and that where it is ``maskable``; what is hit elsewhere
    is dropped.
    """
    items = items_of(params, files)
    judge = by_coverage if params.method == "ngram" else by_collisions
    drops: dict[int, tuple[int, str, float, float, str]] = {}
    hits: list[tuple[int, str, str, float, str]] = []
    new: dict[int, str] = {}
    places = 0
    for row, place, text, prompt in _texts(prepared, kept, items, params):
        said = judge(text, items, params, ignored)
        if said is None:
            continue
        for item, share in said.items:
            where = place
            if place == "text" and prompt is not None:
                where = part_of(item, text, prompt, params.compare, lambda one: judge(one, items, params, ignored))
            hits.append((row, items.names[item], items.benchmarks[item], share, where))
        name = items.names[said.items[0][0]]
        # An instruction or a conversation with a hole in it is none: they are dropped, never masked.
        unmasked = said.rewritten is None or prompt is not None or place != "text" or not maskable
        if params.does == "drop" or (params.does == "mask" and unmasked):
            drops.setdefault(row, (row, said.rule, said.value, said.threshold, name))
        elif params.does == "mask" and said.rewritten is not None:
            new[row] = said.rewritten
            places += said.places
    new = {row: text for row, text in new.items() if row not in drops}
    return Cleaned(
        _rewritten(prepared, new, target) if new else prepared,
        _decided(number, [drops[row] for row in sorted(drops)]),
        hits_table(number, sorted(hits, key=lambda hit: hit[0])),
        (len(new), places),
    )


def _texts(
    prepared: Prepared, kept: Int, items: Items, params: Decontaminate
) -> Iterator[tuple[int, str, str, str | None]]:
    """(row, place, text, prompt) of what may hold an item, in the kept documents: the text (with its
    prompt, or one of the two, as ``compare`` says), and each other column that may be written."""
    with storage.open_parquet(prepared.documents_path) as file:
        wanted = list(
            dict.fromkeys(
                ["text", "prompt", *text_places.columns_in(file.schema_arrow), *turns.columns_in(file.schema_arrow)]
            )
        )
        start = 0
        for group in range(file.num_row_groups):
            size = file.metadata.row_group(group).num_rows
            mine = kept[(kept >= start) & (kept < start + size)] - start
            if len(mine):
                chosen = file.read_row_group(group, columns=wanted).take(pa.array(mine))
                prompts = chosen["prompt"]
                for place, texts in _compared(chosen, params):
                    for at in np.flatnonzero(may_share(texts, items.quick)).tolist():
                        yield start + int(mine[at]), place, texts[at].as_py(), prompts[at].as_py()
            start += size


def _compared(documents: pa.Table, params: Decontaminate) -> Iterator[tuple[str, pa.LargeStringArray]]:
    """Each place of the documents that is compared, and its texts, one a document; lists are joined by line ends."""
    if turns.there(documents):
        yield "text", as_text(turns.with_text(documents, "user" if params.compare == "prompt" else "all")["text"])
        if params.compare != "prompt" and turns.are_pairs(documents).any():
            yield "rejected", as_text(turns.conversation(documents, "rejected")["text"])
    elif params.compare == "both":
        yield "text", comparable(documents)
    else:
        asked = documents[params.compare]
        yield "text", as_text(pc.coalesce(asked, documents["text"]))
    for place in text_places.columns_of(documents):
        if place not in ("text", "prompt", "turns", "calls"):
            column = documents[place].combine_chunks()
            if pa.types.is_list(column.type):
                column = pc.binary_join(column, "\n")
            yield text_places.named(place), as_text(pc.fill_null(column, ""))


def _rewritten(prepared: Prepared, new: dict[int, str], target: str) -> Prepared:
    """The partition with other texts for some rows."""
    with (
        storage.open_parquet(prepared.documents_path) as file,
        storage.parquet_writer(target, file.schema_arrow) as writer,
    ):
        start = 0
        changed = sorted(new)
        for group in range(file.num_row_groups):
            table = file.read_row_group(group)
            mine = changed[bisect_left(changed, start) : bisect_left(changed, start + len(table))]
            rows = {row - start: new[row] for row in mine}
            if rows:
                hit = np.zeros(len(table), dtype=bool)
                hit[list(rows)] = True
                at = table.schema.get_field_index("text")
                values = pa.array([rows[row] for row in sorted(rows)], pa.large_string())
                text = pc.replace_with_mask(as_text(table["text"]), pa.array(hit), values)
                table = table.set_column(at, table.schema.field(at), text.cast(table.schema.field(at).type))
            writer.write_table(table)
            start += len(table)
    return replace(prepared, rewritten=target)


def _decided(number: int, drops: list[tuple[int, str, float, float, str]]) -> pa.Table:
    n = len(drops)
    return pa.table(
        {
            "partition": pa.array([number] * n, pa.int32()),
            "index": pa.array([row for row, *_ in drops], pa.int64()),
            "stage": pa.array(["decontaminate"] * n, pa.string()),
            "rule": pa.array([rule for _, rule, *_ in drops], pa.string()),
            "value": pa.array([value for _, _, value, _, _ in drops], pa.float64()),
            "threshold": pa.array([bound for _, _, _, bound, _ in drops], pa.float64()),
            "kept_id": pa.array([name for *_, name in drops], pa.string()),
        },
        schema=DECIDED,
    )
