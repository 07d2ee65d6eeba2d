"""Pairs of documents compared piece by piece, and decided on in reading order; runs without the GIL."""

from __future__ import annotations

from contam_metrics.kernels.kernel import kernel


@kernel(
    "void(Array(uint32, 1, 'C', readonly=True), Array(int64, 2, 'C', readonly=True),"
    " Array(int64, 1, 'C', readonly=True), Array(int64, 1, 'C', readonly=True), Array(float64, 1, 'C'))"
)
def compare_pairs(pieces, where, left, right, out):  # type: ignore[no-untyped-def]
    """Jaccard similarities of pairs into ``out`` float64[pairs]; 0 where neither document has a piece.

    ``pieces`` uint32: those of all documents, ascending within each, between the two bounds in ``where``
    int64[documents, 2]. ``left`` and ``right`` int64[pairs] are documents.
    """
    for k in range(len(left)):
        i, last_i = where[left[k], 0], where[left[k], 1]
        j, last_j = where[right[k], 0], where[right[k], 1]
        total, shared = last_i - i + last_j - j, 0
        while i < last_i and j < last_j:
            one, other = pieces[i], pieces[j]
            shared += one == other
            i += one <= other
            j += other <= one
        out[k] = shared / max(1, total - shared)


@kernel(
    "void(Array(int64, 1, 'C', readonly=True), Array(int64, 1, 'C', readonly=True),"
    " Array(float64, 1, 'C', readonly=True), float64, Array(int64, 1, 'C'), Array(float64, 1, 'C'))"
)
def drop_greedily(left, right, values, limit, of, value):  # type: ignore[no-untyped-def]
    """In reading order: a document goes where it is similar to an earlier one that stays, to the most similar one.

    The pairs ascend by ``right``, then ``left``. ``of`` int64[documents] becomes the document that each copies, -1 for
    what stays, and ``value`` float64[documents] their similarity.
    """
    of[:] = -1
    k = 0
    while k < len(left):
        document = right[k]
        while k < len(left) and right[k] == document:
            known = value[document] if of[document] >= 0 else -1.0
            if values[k] >= limit and of[left[k]] < 0 and values[k] > known:
                of[document], value[document] = left[k], values[k]
            k += 1
