"""Where documents' tokens go in sequences of one length: the kernels of ``pack.py``.

Sources: MeCo (Gao et al. 2025), ``mds_pack_data.py``, for *concat* and *complete*; best-fit packing (Ding et al. 2024).
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

Int64 = npt.NDArray[np.int64]


@numba.njit(nogil=True, cache=True)
def place(sizes: Int64, length: int, complete: bool, min_span: int = 1) -> tuple[Int64, int, int]:
    """Where the documents' tokens go.

    min_span: a row is filled up rather than opened or ended with less of a document, and a rest shorter than that is thrown away.
    Returns parts int64[m, 5]: (row, document, first token in the stream, start in the row, end in the row) of each
    span of a full row; documents that are used up; tokens that are used up, thrown away ones among them. An empty
    document has no span.
    """
    parts = np.zeros((len(sizes) + (2 * sizes.sum()) // max(length - min_span + 1, 1) + 1, 5), dtype=np.int64)
    count, row, filled = 0, 0, 0
    full_count, full_documents, full_tokens = 0, 0, 0
    stream = 0
    for document in range(len(sizes)):
        done = 0
        while done < sizes[document]:
            taken = min(sizes[document] - done, length - filled)
            cut = taken < sizes[document] - done
            if cut and taken < min_span:
                row, filled = row + 1, 0
                full_count, full_tokens, full_documents = count, stream + done, document
                continue
            parts[count, 0] = row
            parts[count, 1] = document
            parts[count, 2] = stream + done
            parts[count, 3] = filled
            parts[count, 4] = filled + taken
            count += 1
            filled += taken
            done += taken
            if cut and sizes[document] - done < min_span:
                done = sizes[document]
            if filled == length:
                row, filled = row + 1, 0
                if complete:
                    done = sizes[document]
                full_count = count
                full_tokens = stream + done
                full_documents = document + 1 if done == sizes[document] else document
        stream += sizes[document]
    return parts[:full_count], full_documents, full_tokens


@numba.njit(nogil=True, cache=True)
def best_fit(sizes: Int64, length: int, window: int) -> Int64:
    """Where the documents' tokens go, as ``place`` has its parts, each document's parts in order.

    Of each ``window`` documents: the longest rest first, ties by position; each into the sequence with the least room that holds it,
    ties to the one begun first. A sequence stands where its last document would, so that a document's parts keep their order, and
    no document moves by ``window`` or more.
    """
    rests = sizes % length
    full = sizes // length
    parts = np.zeros((full.sum() + np.count_nonzero(rests), 5), dtype=np.int64)
    row, count, stream = 0, 0, 0
    for first in range(0, len(sizes), window):
        stop = min(first + window, len(sizes))
        order = np.argsort(-rests[first:stop], kind="mergesort") + first
        room = np.empty(stop - first, dtype=np.int64)
        last = np.empty(stop - first, dtype=np.int64)
        bin_of = np.full(stop - first, -1, dtype=np.int64)
        bins = 0
        for document in order:
            if rests[document] == 0:
                continue
            best = -1
            for i in range(bins):
                if room[i] >= rests[document] and (best < 0 or room[i] < room[best]):
                    best = i
            if best < 0:
                best, bins = bins, bins + 1
                room[best], last[best] = length, -1
            bin_of[document - first] = best
            room[best] -= rests[document]
            last[best] = max(last[best], document)
        # Rows: of each document its full sequences, then the sequence whose last document it is.
        row_of = np.zeros(bins, dtype=np.int64)
        begins = stream
        for document in range(first, stop):
            for k in range(full[document]):
                parts[count] = np.array([row, document, stream + k * length, 0, length])
                row, count = row + 1, count + 1
            stream += sizes[document]
            mine = bin_of[document - first]
            if mine >= 0 and last[mine] == document:
                row_of[mine] = row
                row += 1
        filled = np.zeros(bins, dtype=np.int64)
        at = begins
        for document in range(first, stop):
            at += sizes[document]
            mine = bin_of[document - first]
            if mine >= 0:
                size = rests[document]
                parts[count] = np.array([row_of[mine], document, at - size, filled[mine], filled[mine] + size])
                filled[mine] += size
                count += 1
    return parts[np.argsort(parts[:, 0] * (length + 1) + parts[:, 3], kind="mergesort")]


@numba.njit(nogil=True, cache=True)
def next_fit(sizes: Int64, length: int) -> Int64:
    """Where the documents' tokens go, in their very order: a document opens a sequence where it does not fit into the open one."""
    parts = np.zeros((len(sizes) + (sizes // length).sum(), 5), dtype=np.int64)
    row, filled, count, stream = 0, 0, 0, 0
    for document in range(len(sizes)):
        done = 0
        if filled and sizes[document] > length - filled:
            row, filled = row + 1, 0
        while done < sizes[document]:
            taken = min(sizes[document] - done, length - filled)
            parts[count] = np.array([row, document, stream + done, filled, filled + taken])
            count += 1
            filled += taken
            done += taken
            if filled == length:
                row, filled = row + 1, 0
        stream += sizes[document]
    return parts[:count]


@numba.njit(nogil=True, cache=True)
def copy_runs(source, begins, target, places, sizes):  # type: ignore[no-untyped-def]
    """Copy runs of one array, by where they begin, to their places in another."""
    for i in range(len(sizes)):
        target[places[i] : places[i] + sizes[i]] = source[begins[i] : begins[i] + sizes[i]]
