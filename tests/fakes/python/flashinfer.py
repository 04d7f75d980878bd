"""FlashInfer 0.6.4 by its signatures, in NumPy. A wrapper that is planned for CUDA graphs reads its buffers alone, and keeps
their sizes."""

import numpy
from fake_attention import mask, of_offsets, of_pages, sequences

__version__ = "0.6.4"
calls = []  # (class, method, the arguments that tests look at)


class _Wrapper:
    def __init__(self, float_workspace_buffer, kv_layout, use_cuda_graph, **buffers):
        assert kv_layout == "NHD" and float_workspace_buffer.dtype == numpy.uint8
        self.graphs, self.buffers, self.options = use_cuda_graph, buffers, None
        if use_cuda_graph and any(buffer is None for buffer in buffers.values()):
            raise ValueError("buffers should be tensors in CUDA graph mode")
        calls.append((type(self).__name__, "init", {"use_cuda_graph": use_cuda_graph}))

    def _take(self, given, **options):
        for name, values in given.items():
            if self.graphs:
                assert len(values) <= len(self.buffers[name]), name
                self.buffers[name][:len(values)] = values
            else:
                self.buffers[name] = values
        self.options = options
        calls.append((type(self).__name__, "plan", {**{name: list(values) for name, values in given.items()}, **options}))


class BatchDecodeWithPagedKVCacheWrapper(_Wrapper):
    def __init__(self, float_workspace_buffer, kv_layout="NHD", use_cuda_graph=False, use_tensor_cores=False,
                 paged_kv_indptr_buffer=None, paged_kv_indices_buffer=None, paged_kv_last_page_len_buffer=None,
                 backend="auto", jit_args=None):
        assert use_tensor_cores and backend == "auto" and jit_args is None
        super().__init__(float_workspace_buffer, kv_layout, use_cuda_graph, indptr=paged_kv_indptr_buffer,
                         indices=paged_kv_indices_buffer, last_page_len=paged_kv_last_page_len_buffer)

    def plan(self, indptr, indices, last_page_len, num_qo_heads, num_kv_heads, head_dim, page_size, pos_encoding_mode="NONE",
             window_left=-1, logits_soft_cap=None, q_data_type="float16", kv_data_type=None, o_data_type=None, data_type=None,
             sm_scale=None, rope_scale=None, rope_theta=None, non_blocking=True, block_tables=None, seq_lens=None,
             fixed_split_size=None, disable_split_kv=False):
        self._take({"indptr": indptr, "indices": indices, "last_page_len": last_page_len}, window_left=window_left,
                   softcap=logits_soft_cap, scale=sm_scale, page_size=page_size, fixed_split_size=fixed_split_size)

    def run(self, q, paged_kv_cache, *args, q_scale=None, k_scale=None, v_scale=None, out=None, lse=None, return_lse=False,
            enable_pdl=None, window_left=None, sinks=None, q_len_per_req=1, skip_softmax_threshold_scale_factor=None):
        assert not args and sinks is None and len(q) == len(self.buffers["last_page_len"])
        keys_of = of_pages(*(self.buffers[name] for name in ("indptr", "indices", "last_page_len")))
        options = self.options
        out[...] = sequences(q, *paged_kv_cache, range(len(q) + 1), keys_of, options["scale"],
                             mask(True, options["window_left"]), options["softcap"])


class BatchPrefillWithPagedKVCacheWrapper(_Wrapper):
    def __init__(self, float_workspace_buffer, kv_layout="NHD", use_cuda_graph=False, qo_indptr_buf=None,
                 paged_kv_indptr_buf=None, paged_kv_indices_buf=None, paged_kv_last_page_len_buf=None, custom_mask_buf=None,
                 mask_indptr_buf=None, backend="auto", jit_args=None, jit_kwargs=None):
        assert backend in ("fa2", "fa3")
        super().__init__(float_workspace_buffer, kv_layout, use_cuda_graph, qo=qo_indptr_buf, indptr=paged_kv_indptr_buf,
                         indices=paged_kv_indices_buf, last_page_len=paged_kv_last_page_len_buf)

    def plan(self, qo_indptr, paged_kv_indptr, paged_kv_indices, paged_kv_last_page_len, num_qo_heads, num_kv_heads,
             head_dim_qk, page_size, head_dim_vo=None, custom_mask=None, packed_custom_mask=None, causal=False,
             pos_encoding_mode="NONE", use_fp16_qk_reduction=False, sm_scale=None, window_left=-1, logits_soft_cap=None,
             rope_scale=None, rope_theta=None, q_data_type="float16", kv_data_type=None):
        self._take({"qo": qo_indptr, "indptr": paged_kv_indptr, "indices": paged_kv_indices,
                    "last_page_len": paged_kv_last_page_len}, causal=causal, window_left=window_left,
                   softcap=logits_soft_cap, scale=sm_scale, page_size=page_size)

    def run(self, q, paged_kv_cache, *args, out=None, sinks=None):
        assert not args and sinks is None
        self._run(q, paged_kv_cache, self.options["scale"], None, out)

    def _run(self, q, paged_kv_cache, scale, sinks, out):
        assert len(q) == len(out) == self.buffers["qo"][-1]
        keys_of = of_pages(*(self.buffers[name] for name in ("indptr", "indices", "last_page_len")))
        options = self.options
        out[...] = sequences(q, *paged_kv_cache, self.buffers["qo"], keys_of, scale,
                             mask(options["causal"], options["window_left"]), options["softcap"], sinks)


class BatchAttentionWithAttentionSinkWrapper(BatchPrefillWithPagedKVCacheWrapper):
    def __init__(self, float_workspace_buffer, kv_layout="NHD", use_cuda_graph=False, qo_indptr_buf=None,
                 paged_kv_indptr_buf=None, paged_kv_indices_buf=None, paged_kv_last_page_len_buf=None, custom_mask_buf=None,
                 mask_indptr_buf=None, backend="auto", pos_encoding_mode="NONE", use_fp16_qk_reduction=False,
                 q_data_type=None, kv_data_type=None, head_dim_qk=128, head_dim_vo=128, window_left=-1):
        super().__init__(float_workspace_buffer, kv_layout, use_cuda_graph, qo_indptr_buf, paged_kv_indptr_buf,
                         paged_kv_indices_buf, paged_kv_last_page_len_buf, backend=backend)
        self.compiled_for = head_dim_qk, head_dim_vo, window_left >= 0

    def run(self, q, paged_kv_cache, sink, sm_scale, *, out=None):
        assert self.compiled_for == (q.shape[2], q.shape[2], self.options["window_left"] >= 0)
        self._run(q, paged_kv_cache, sm_scale, sink, out)


class BatchPrefillWithRaggedKVCacheWrapper(_Wrapper):
    def __init__(self, float_workspace_buffer, kv_layout="NHD", use_cuda_graph=False, qo_indptr_buf=None, kv_indptr_buf=None,
                 custom_mask_buf=None, mask_indptr_buf=None, backend="auto", jit_args=None, jit_kwargs=None):
        assert backend in ("fa2", "fa3")
        super().__init__(float_workspace_buffer, kv_layout, use_cuda_graph, qo=qo_indptr_buf, indptr=kv_indptr_buf)

    def plan(self, qo_indptr, kv_indptr, num_qo_heads, num_kv_heads, head_dim_qk, head_dim_vo=None, custom_mask=None,
             packed_custom_mask=None, causal=False, pos_encoding_mode="NONE", use_fp16_qk_reduction=False, window_left=-1,
             logits_soft_cap=None, sm_scale=None, rope_scale=None, rope_theta=None, q_data_type="float16", kv_data_type=None):
        self._take({"qo": qo_indptr, "indptr": kv_indptr}, causal=causal, window_left=window_left, softcap=logits_soft_cap,
                   scale=sm_scale)

    def run(self, q, k, v, *args, out=None):
        assert not args and len(k) == self.buffers["indptr"][-1]
        options = self.options
        out[...] = sequences(q, k, v, self.buffers["qo"], of_offsets(self.buffers["indptr"]), options["scale"],
                             mask(options["causal"], options["window_left"]), options["softcap"])


class BatchAttention:
    def __init__(self, kv_layout="NHD", device="cuda"):
        assert (kv_layout, device) == ("NHD", "cpu")

    def plan(self, qo_indptr, kv_indptr, kv_indices, kv_len_arr, num_qo_heads, num_kv_heads, head_dim_qk, head_dim_vo,
             page_size, causal=False, sm_scale=None, logits_soft_cap=None, q_data_type=None, kv_data_type=None,
             use_profiler=False):
        last = [length - page_size * max(pages - 1, 0)
                for length, pages in zip(kv_len_arr, kv_indptr[1:] - kv_indptr[:-1])]
        self.planned = qo_indptr.copy(), of_pages(kv_indptr.copy(), kv_indices, last), sm_scale, causal
        calls.append(("BatchAttention", "plan", {"lengths": list(kv_len_arr)}))

    def run(self, q, kv_cache, out=None, lse=None, k_scale=None, v_scale=None, logits_soft_cap=0.0, profiler_buffer=None):
        offsets, keys_of, scale, causal = self.planned
        out[...] = sequences(q, *kv_cache, offsets, keys_of, scale, mask(causal), logits_soft_cap)
