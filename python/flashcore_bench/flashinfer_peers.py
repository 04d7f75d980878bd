"""FlashInfer's kernels for ragged batches and paged caches, planned as serving engines plan them.

A plan copies the lengths to the host and is made before the launches. What captured graphs read stays where it is, so that
they follow later plans.
"""

import functools
import itertools

from .errors import Unsupported
from .peer import Peer, import_one, refusing, require, require_packed

_WORKSPACE_BYTES = 2 << 30  # 512 MiB are too few for 8 prompts of up to 8192 queries
_SPLIT_KEYS = 4096  # of the decoding peer with a fixed split


def pages_of(lengths, table, page_size):
    """(kv_indptr, kv_indices, last_page_len) of FlashInfer, from the keys of each sequence and its row of a page table. A
    sequence without keys has no page."""
    counts = [-(-keys // page_size) for keys in lengths]
    indices = [page for row, count in zip(table, counts) for page in row[:count]]
    last = [keys - page_size * max(count - 1, 0) for keys, count in zip(lengths, counts)]
    return [0, *itertools.accumulate(counts)], indices, last


def _steps(offsets):
    return [end - begin for begin, end in itertools.pairwise(offsets)]


@functools.cache
def _workspace(device):
    import torch
    return torch.zeros(_WORKSPACE_BYTES, dtype=torch.uint8, device=device)


class _Lengths:
    """Lengths and pages of a batch on the host."""

    def __init__(self, cu_seqlens_q, cu_seqlens_k, seqused_k, page_table, page_size):
        self.qo_indptr = cu_seqlens_q.tolist()
        self.page_size = page_size
        if page_table is None:
            self.kv_indptr, self.indices, self.last_page_len = cu_seqlens_k.tolist(), [], []
            self.keys = _steps(self.kv_indptr)
        else:
            self.keys = seqused_k.tolist()
            self.kv_indptr, self.indices, self.last_page_len = pages_of(self.keys, page_table.tolist(), page_size)
        self.queries = _steps(self.qo_indptr)

    def sizes(self):
        """The same for lengths that are dealt out to the sequences anew: memory for one suffices for all."""
        return sorted(self.queries), sorted(self.keys), len(self.indices)


class _Batch:
    """Lengths and pages on the device, at addresses that stay."""

    def __init__(self, lengths, device):
        self.device = device
        self.page_size = lengths.page_size
        self.rows, self.total_keys = lengths.qo_indptr[-1], lengths.kv_indptr[-1]
        self.planned = None
        self.write(lengths)

    def write(self, lengths):
        import torch
        for name in ("qo_indptr", "kv_indptr", "indices", "last_page_len", "keys"):
            values = torch.tensor(getattr(lengths, name), dtype=torch.int32, device=self.device)
            if self.planned is None:
                setattr(self, name, values)
            else:
                getattr(self, name).copy_(values)
        self.planned = lengths


class _Decode:
    """BatchDecodeWithPagedKVCacheWrapper with tensor cores. A fixed split is planned without CUDA graphs, because plans for
    them have no room for more splits than they would choose."""

    def __init__(self, split_keys=0):
        self.split_keys = split_keys
        self.follows_plans = split_keys == 0
        self.words = "decode with tensor cores, " + (
            f"{split_keys} keys per split, not planned for CUDA graphs" if split_keys else "planned for CUDA graphs")

    def refuse(self, problem):
        require(problem, ("windows", "softcap", "lengths", "pages"))
        if not problem.kv:
            raise Unsupported("it decodes from paged caches")
        if problem.seq_q != 1:
            raise Unsupported("it decodes one query per sequence")

    def make(self, flashinfer, _problem, batch, _dtype):
        buffers = {} if self.split_keys else {
            "use_cuda_graph": True, "paged_kv_indptr_buffer": batch.kv_indptr.clone(),
            "paged_kv_indices_buffer": batch.indices.clone(), "paged_kv_last_page_len_buffer": batch.last_page_len.clone()}
        return flashinfer.BatchDecodeWithPagedKVCacheWrapper(_workspace(batch.device), "NHD", use_tensor_cores=True, **buffers)

    def plan(self, wrapper, problem, batch, dtype):
        if set(batch.planned.queries) != {1}:
            raise Unsupported("it decodes one query per sequence")
        split = {"fixed_split_size": max(1, self.split_keys // batch.page_size)} if self.split_keys else {}
        wrapper.plan(batch.kv_indptr, batch.indices, batch.last_page_len, problem.heads_q, problem.heads_kv, problem.head_dim,
                     batch.page_size, window_left=problem.window_left, logits_soft_cap=problem.softcap, q_data_type=dtype,
                     kv_data_type=dtype, sm_scale=problem.scale, **split)

    def run(self, wrapper, _problem, q, k, v, out, _sinks):
        wrapper.run(q, (k, v), out=out)


class _Prefill:
    """BatchPrefillWithPagedKVCacheWrapper, its ragged sister without pages, and its heir with sinks."""

    follows_plans = True

    def __init__(self, backend):
        self.backend = backend
        self.words = f"prefill with backend {backend}, planned for CUDA graphs"

    def refuse(self, problem):
        import torch
        require(problem, ("windows", "softcap", "lengths", "pages", "sinks"))
        if self.backend == "fa3" and torch.cuda.is_available() and torch.cuda.get_device_capability()[0] != 9:
            raise Unsupported("its backend fa3 is for compute capability 9.0")
        if problem.sinks and (problem.softcap or not problem.kv):
            raise Unsupported("it has sinks with paged caches and without soft caps")

    def make(self, flashinfer, problem, batch, dtype):
        options = {"use_cuda_graph": True, "backend": self.backend, "qo_indptr_buf": batch.qo_indptr.clone()}
        if not problem.kv:
            return flashinfer.BatchPrefillWithRaggedKVCacheWrapper(_workspace(batch.device), "NHD",
                                                                   kv_indptr_buf=batch.kv_indptr.clone(), **options)
        options |= {"paged_kv_indptr_buf": batch.kv_indptr.clone(), "paged_kv_indices_buf": batch.indices.clone(),
                    "paged_kv_last_page_len_buf": batch.last_page_len.clone()}
        if not problem.sinks:
            return flashinfer.BatchPrefillWithPagedKVCacheWrapper(_workspace(batch.device), "NHD", **options)
        return flashinfer.BatchAttentionWithAttentionSinkWrapper(
            _workspace(batch.device), "NHD", q_data_type=dtype, kv_data_type=dtype, head_dim_qk=problem.head_dim,
            head_dim_vo=problem.head_dim, window_left=problem.window_left, **options)

    def plan(self, wrapper, problem, batch, dtype):
        sizes = {"num_qo_heads": problem.heads_q, "num_kv_heads": problem.heads_kv, "head_dim_qk": problem.head_dim}
        options = {"causal": problem.causal, "sm_scale": problem.scale, "window_left": problem.window_left,
                   "logits_soft_cap": problem.softcap, "q_data_type": dtype, "kv_data_type": dtype}
        if problem.kv:
            wrapper.plan(batch.qo_indptr, batch.kv_indptr, batch.indices, batch.last_page_len, page_size=batch.page_size,
                         **sizes, **options)
        else:
            wrapper.plan(batch.qo_indptr, batch.kv_indptr, **sizes, **options)

    def run(self, wrapper, problem, q, k, v, out, sinks):
        if problem.kv:
            wrapper.run(q, (k, v), *((sinks, problem.scale) if problem.sinks else ()), out=out)
        else:
            wrapper.run(q, k, v, out=out)


class _Balanced:
    """BatchAttention, one launch for prompts and decodes, whose work its plan deals out evenly."""

    follows_plans = True
    words = "BatchAttention"

    def refuse(self, problem):
        require(problem, ("softcap", "lengths", "pages"))
        if not problem.kv:
            raise Unsupported("it takes paged caches")

    def make(self, flashinfer, _problem, batch, _dtype):
        return flashinfer.BatchAttention("NHD", device=str(batch.device))

    def plan(self, wrapper, problem, batch, dtype):
        wrapper.plan(batch.qo_indptr, batch.kv_indptr, batch.indices, batch.keys, problem.heads_q, problem.heads_kv,
                     problem.head_dim, problem.head_dim, batch.page_size, causal=problem.causal, sm_scale=problem.scale,
                     logits_soft_cap=problem.softcap, q_data_type=dtype, kv_data_type=dtype)

    def run(self, wrapper, problem, q, k, v, out, _sinks):
        wrapper.run(q, (k, v), out=out, logits_soft_cap=problem.softcap)


class _Planned:
    """A configuration of FlashInfer as a kernel. It keeps the wrapper of the batch that it planned last: one holds hundreds of
    megabytes. With `in_launch` each launch plans, too, which shows what a plan costs."""

    def __init__(self, engine, in_launch=False):
        self.engine = engine
        self.in_launch = in_launch
        self.problem = self.key = self.batch = self.wrapper = None

    def configuration(self):
        words = f"FlashInfer {import_one('flashinfer').__version__}, {self.engine.words}"
        return words + (", planned in each launch" if self.in_launch else "")

    def prepare(self, problem):
        self.engine.refuse(problem)
        if problem.window_right >= 0:
            raise Unsupported("it has no windows to the right")
        if not problem.lengths:
            require_packed(None)
        flashinfer = import_one("flashinfer")

        def plan(q, cu_seqlens_q, cu_seqlens_k, seqused_k, page_table, page_size):
            require_packed(cu_seqlens_q)
            lengths = _Lengths(cu_seqlens_q, cu_seqlens_k, seqused_k, page_table, page_size)
            self._take(flashinfer, problem, lengths, q)
            self.engine.plan(self.wrapper, problem, self.batch, q.dtype)

        def launch(q, k, v, out, sinks):
            self._launch(problem, q, k, v, out, sinks)
        launch.plan = refusing(plan)
        return refusing(launch)

    def _take(self, flashinfer, problem, lengths, q):
        key = (problem, lengths.sizes())
        self.problem = problem
        if self.key != key:
            self.key = self.batch = self.wrapper = None  # frees its memory first
            self.batch = _Batch(lengths, q.device)
            self.wrapper = self.engine.make(flashinfer, problem, self.batch, q.dtype)
            self.key = key
        elif not self.engine.follows_plans and self.batch.planned.queries + self.batch.planned.keys != \
                lengths.queries + lengths.keys:
            raise Unsupported("it is not planned for CUDA graphs: other lengths need another capture")
        else:
            self.batch.write(lengths)

    def _launch(self, problem, q, k, v, out, sinks):
        if self.wrapper is None or self.problem is not problem:
            raise RuntimeError("its plan is of another problem")
        if self.in_launch:
            import torch
            if torch.cuda.is_available() and torch.cuda.is_current_stream_capturing():
                raise RuntimeError("a plan reads lengths on the host, which a graph cannot")
            self.engine.plan(self.wrapper, problem, self.batch, q.dtype)
        batch = self.batch
        if not problem.kv:
            k, v = k[:batch.total_keys], v[:batch.total_keys]
        place = out[:batch.rows]
        packed = place.contiguous()  # it writes no others; only checks have such
        self.engine.run(self.wrapper, problem, q[:batch.rows], k, v, packed, sinks)
        if not place.is_contiguous():
            place.copy_(packed)


def _peer(engine, in_launch=False, **options):
    planned = _Planned(engine, in_launch)
    return Peer(planned.prepare, planned.configuration, needs_lengths=True, **options)


# What has windows loads whole tiles of V with rows that the window hides; fa3 also rows after the last key, without pages.
PEERS = {
    "peer_flashinfer_decode": _peer(_Decode(), reads_unused_rows=True),
    "peer_flashinfer_decode_split": _peer(_Decode(_SPLIT_KEYS), reads_unused_rows=True),
    "peer_flashinfer_decode_replanned": _peer(_Decode(), in_launch=True, reads_unused_rows=True),
    "peer_flashinfer_balanced": _peer(_Balanced()),
    "peer_flashinfer_balanced_replanned": _peer(_Balanced(), in_launch=True),
    "peer_flashinfer_fa2": _peer(_Prefill("fa2"), reads_unused_rows=True),
    "peer_flashinfer_fa3": _peer(_Prefill("fa3"), reads_unused_rows=True),
}
