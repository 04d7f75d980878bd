"""Attention of ragged batches in NumPy, for fakes of other projects' packages."""

import numpy
import numpy_kernels


def sequences(q, k, v, offsets, keys_of, scale, window, softcap=0.0, sinks=None):
    """The output of all sequences in the memory of a new array; `keys_of(i, tensor)` is [keys, heads_kv, head_dim]."""
    out = numpy.full(q.shape, numpy.nan, q.dtype)
    for i in range(len(offsets) - 1):
        rows = slice(offsets[i], offsets[i + 1])
        keys, values = (numpy.asarray(keys_of(i, tensor)).swapaxes(0, 1)[None] for tensor in (k, v))
        queries = numpy.asarray(q)[rows].swapaxes(0, 1)[None]
        found, lse = (value[0] for value in numpy_kernels.attention(queries, keys, values, scale, softcap, window))
        if sinks is not None:
            found, _ = numpy_kernels._with_sinks(found, lse, numpy.asarray(sinks))
        out[rows] = found.swapaxes(0, 1)
    return out


def mask(causal, left=-1, right=-1):
    """A window, without an end where there is none."""
    return -1 if left is None else left, 0 if causal else -1 if right is None else right


def of_pages(indptr, indices, last_page_len):
    """`keys_of` of FlashInfer's indices."""
    def keys_of(i, cache):
        pages = indices[indptr[i]:indptr[i + 1]]
        size = cache.shape[1]
        rows = numpy.asarray(cache)[pages].reshape(-1, *cache.shape[2:])
        return rows[:max(len(pages) - 1, 0) * size + last_page_len[i]]
    return keys_of


def of_table(table, lengths):
    """`keys_of` of a page table."""
    def keys_of(i, cache):
        pages = table[i][:-(-lengths[i] // cache.shape[1])]
        return numpy.asarray(cache)[pages].reshape(-1, *cache.shape[2:])[:lengths[i]]
    return keys_of


def of_offsets(offsets):
    return lambda i, tensor: tensor[offsets[i]:offsets[i + 1]]
