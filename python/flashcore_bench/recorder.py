"""Records the calls of attention of a serving engine: lengths only, no data.

This file needs nothing but the standard library, so that it can be copied into an engine without the package.
"""

import json


def _numbers(values):
    """A list of whole numbers of a list or a tensor. A tensor on a device is copied, which waits for the device."""
    values = values.tolist() if hasattr(values, "tolist") else values
    return [int(value) for value in values]


def _differences(begins):
    begins = _numbers(begins)
    return [end - begin for begin, end in zip(begins, begins[1:])]


class CallRecorder:
    """Appends a line {"q": [...], "kv": [...]} per call to a file that --trace reads.

    Record one call per step and not one per layer: the model says how many layers there are.
    """

    def __init__(self, path):
        self._file = open(path, "a", encoding="ascii")

    def record(self, *, cu_seqlens_q=None, cu_seqlens_k=None, seqused_k=None, q=None, kv=None):
        """Appends one call.

        Queries are `q` [batch], or `cu_seqlens_q` [batch + 1]; with neither, each sequence has one query (decoding).
        Keys, with those of the call's own queries, are `kv` or `seqused_k` [batch], or `cu_seqlens_k` [batch + 1].
        Lists or tensors. Raises ValueError if lengths are missing, negative or of different numbers.
        """
        keys = seqused_k if kv is None else kv
        if keys is None and cu_seqlens_k is None:
            raise ValueError("record: needs kv, seqused_k or cu_seqlens_k")
        kv_lengths = _differences(cu_seqlens_k) if keys is None else _numbers(keys)
        if q is not None:
            q_lengths = _numbers(q)
        else:
            q_lengths = [1] * len(kv_lengths) if cu_seqlens_q is None else _differences(cu_seqlens_q)
        if len(q_lengths) != len(kv_lengths):
            raise ValueError(f"record: {len(q_lengths)} query lengths, but {len(kv_lengths)} key lengths")
        if min([*q_lengths, *kv_lengths], default=-1) < 0:
            raise ValueError("record: there is no sequence, or a length is negative")
        self._file.write(json.dumps({"q": q_lengths, "kv": kv_lengths}, separators=(",", ":")) + "\n")

    def close(self):
        self._file.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
