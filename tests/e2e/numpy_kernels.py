"""Attention in NumPy, right and with faults, as kernels of the Python package."""

import math

import numpy


def visible(problem_window, seq_q, seq_kv):
    """[seq_q, seq_kv], True where a query sees a key."""
    left, right = problem_window
    diagonal = numpy.arange(seq_q)[:, None] + seq_kv - seq_q
    keys = numpy.arange(seq_kv)[None]
    seen = numpy.ones((seq_q, seq_kv), bool)
    if left >= 0:
        seen &= keys >= diagonal - left
    if right >= 0:
        seen &= keys <= diagonal + right
    return seen


def scores(q, k, scale, softcap):
    group = q.shape[1] // k.shape[1]
    k = numpy.repeat(k.astype(numpy.float32), group, axis=1)
    found = q.astype(numpy.float32) @ k.swapaxes(2, 3) * numpy.float32(scale)
    return softcap * numpy.tanh(found / softcap) if softcap else found


def softmax(found, seen):
    """Probabilities, and the log-sum-exp."""
    with numpy.errstate(all="ignore"):
        found = numpy.where(seen, found, -math.inf)
        top = found.max(-1, keepdims=True, initial=-math.inf)
        weights = numpy.where(found == -math.inf, 0, numpy.exp(found - numpy.where(top == -math.inf, 0, top)))
        total = weights.sum(-1, keepdims=True)
        lse = (numpy.where(total > 0, numpy.log(total), -math.inf) + numpy.where(top == -math.inf, 0, top))[..., 0]
        return numpy.where(total == 0, 0, weights / total), lse


def attention(q, k, v, scale, softcap, window):
    """(O, log-sum-exp) in FP32."""
    probabilities, lse = softmax(scores(q, k, scale, softcap), visible(window, q.shape[2], k.shape[2]))
    v = numpy.repeat(v.astype(numpy.float32), q.shape[1] // v.shape[1], axis=1)
    with numpy.errstate(all="ignore"):
        return probabilities @ v, lse


def right(q, k, v, out, lse, scale, softcap, window):
    found, found_lse = attention(q, k, v, scale, softcap, window)
    out[...] = found
    if lse is not None:
        lse[...] = found_lse


def _with_sinks(found, lse, sinks):
    """O and the log-sum-exp when the softmax of each head counts its sink, too."""
    sinks = sinks.reshape(-1, 1)
    with numpy.errstate(all="ignore"):
        total = numpy.logaddexp(lse, sinks)
        return found * numpy.where(lse == -math.inf, 0, numpy.exp(lse - total))[..., None], total


def _rows_of(tensor, i, cu_seqlens_k, seqused_k, page_table):
    """[1, heads_kv, keys, head_dim] of sequence i."""
    if page_table is None and cu_seqlens_k is None:
        return tensor[i:i + 1]
    if page_table is None:
        rows = tensor[cu_seqlens_k[i]:cu_seqlens_k[i + 1]]
    else:
        page_size = tensor.shape[1]
        pages = page_table[i][:-(-seqused_k[i] // page_size)]
        rows = tensor[pages].reshape(-1, *tensor.shape[2:])[:seqused_k[i]]
    return rows.swapaxes(0, 1)[None]


def _places(tensor, out, i, cu_seqlens_q):
    """Views of the rows of sequence i in Q and O: [heads_q, rows, head_dim]."""
    if cu_seqlens_q is None:
        return tensor[i], out[i]
    rows = slice(cu_seqlens_q[i], cu_seqlens_q[i + 1])
    return tensor[rows].swapaxes(0, 1), out[rows].swapaxes(0, 1)


def sequences(q, k, v, out, lse, sinks, scale, softcap, window, *, cu_seqlens_q=None, cu_seqlens_k=None, seqused_k=None,
              page_table=None, reads_unseen_values=False):
    """Ragged batches and paged caches, one sequence after the other."""
    batch = len(q) if cu_seqlens_q is None else len(cu_seqlens_q) - 1
    for i in range(batch):
        queries, place = _places(q, out, i, cu_seqlens_q)
        keys, values = (_rows_of(tensor, i, cu_seqlens_k, seqused_k, page_table) for tensor in (k, v))
        seen = visible(window, queries.shape[1], keys.shape[2]).any(0)
        if not reads_unseen_values:
            values = numpy.where(seen[:, None], values, 0)  # they may be NaN
        found, found_lse = (value[0] for value in attention(queries[None], keys, values, scale, softcap, window))
        if sinks is not None:
            found, found_lse = _with_sinks(found, found_lse, sinks)
        place[...] = found
        if lse is not None and cu_seqlens_q is None:
            lse[i] = found_lse
        elif lse is not None:
            lse[:, cu_seqlens_q[i]:cu_seqlens_q[i + 1]] = found_lse


SEQUENCE_ARGUMENTS = ("q", "k", "v", "out", "lse", "sinks", "scale", "softcap", "window", "cu_seqlens_q", "cu_seqlens_k",
                      "seqused_k", "page_table")


def sequences_careless(**arguments):
    """Multiplies values that no query sees with 0, which is NaN if they are."""
    sequences(**{name: arguments[name] for name in SEQUENCE_ARGUMENTS}, reads_unseen_values=True)


def sequences_returned(q, k, v, cu_seqlens_q, cu_seqlens_k, scale, causal):
    """Returns its output."""
    out = numpy.zeros_like(q)
    sequences(q, k, v, out, None, None, scale, 0, (-1, 0 if causal else -1), cu_seqlens_q=cu_seqlens_q,
              cu_seqlens_k=cu_seqlens_k)
    return out


def sequences_of_neighbours(q, k, v, out, cu_seqlens_q, cu_seqlens_k, scale):
    """Reads keys that begin one row early."""
    keys = numpy.maximum(cu_seqlens_k - 1, 0)
    sequences(q, k, v, out, None, None, scale, 0, (-1, -1), cu_seqlens_q=cu_seqlens_q, cu_seqlens_k=keys)


def returning(q, k, v, scale, causal):
    """Returns its output, and has neither windows nor a log-sum-exp."""
    return attention(q, k, v, scale, 0, (-1, 0 if causal else -1))[0].astype(q.dtype)


def causal_off_by_one(q, k, v, out, scale, causal):
    """Every query sees one key too few."""
    out[...] = attention(q, k, v, scale, 0, (-1, -1 if causal else -1))[0] if not causal else \
        attention(q, k[:, :, :-1], v[:, :, :-1], scale, 0, (-1, 0))[0]


def half_written(q, k, v, out, scale):
    """Leaves the second half of the rows as they are."""
    rows = q.shape[2] // 2
    out[:, :, :rows] = attention(q, k, v, scale, 0, (-1, -1))[0][:, :, :rows]


def without_maximum(q, k, v, out, scale):
    """The exponential of scores overflows."""
    with numpy.errstate(all="ignore"):
        weights = numpy.exp(scores(q, k, scale, 0).astype(numpy.float16))
        group = q.shape[1] // k.shape[1]
        weights = weights / weights.sum(-1, keepdims=True)
        out[...] = weights @ numpy.repeat(v, group, axis=1)


def without_rescaling(q, k, v, out, scale):
    """Leaves out the factor by which a greater maximum shrinks the output so far; 16 keys in an iteration."""
    found = scores(q, k, scale, 0)
    v = numpy.repeat(v.astype(numpy.float32), q.shape[1] // v.shape[1], axis=1)
    top = numpy.full((*found.shape[:3], 1), -math.inf)
    total, weighted = numpy.zeros_like(top), numpy.zeros((*found.shape[:3], v.shape[3]))
    for first in range(0, found.shape[3], 16):
        part = found[..., first:first + 16]
        new = numpy.maximum(top, part.max(-1, keepdims=True))
        weights = numpy.exp(part - new)
        total = total * numpy.exp(top - new) + weights.sum(-1, keepdims=True)
        weighted, top = weighted + weights @ v[:, :, first:first + 16], new
    out[...] = weighted / total


def remembering(q, k, v):
    """Computes once and then returns what it has."""
    key = q.shape, k.shape
    if key not in remembering.known:
        remembering.known[key] = attention(q, k, v, 1 / math.sqrt(q.shape[3]), 0, (-1, -1))[0].astype(q.dtype)
    return remembering.known[key].copy()


remembering.known = {}


def forgetting(q, k, v):
    """Returns one array of its own, of which only the first launch computes the first row."""
    found = attention(q, k, v, 1 / math.sqrt(q.shape[3]), 0, (-1, -1))[0].astype(q.dtype)
    if q.shape not in forgetting.known:
        forgetting.known[q.shape] = found
    forgetting.known[q.shape][:, :, 1:] = found[:, :, 1:]
    return forgetting.known[q.shape]


forgetting.known = {}
