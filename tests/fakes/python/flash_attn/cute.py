"""FlashAttention 4 by its signatures, in NumPy."""

from fake_attention import mask, of_offsets, of_table, sequences


def flash_attn_func(q, k, v, softmax_scale=None, causal=False):
    raise NotImplementedError("this fake has no rectangles\nand says so in two lines")


def flash_attn_varlen_func(q, k, v, qv=None, cu_seqlens_q=None, cu_seqlens_k=None, max_seqlen_q=None, max_seqlen_k=None,
                           min_seqlen_k=None, seqused_q=None, seqused_k=None, gather_kv_indices=None, page_table=None,
                           softmax_scale=None, causal=False, window_size=(None, None), learnable_sink=None, softcap=0.0,
                           num_splits=1, pack_gqa=None, deterministic=False):
    keys_of = of_offsets(cu_seqlens_k) if page_table is None else of_table(page_table, seqused_k)
    out = sequences(q, k, v, cu_seqlens_q, keys_of, softmax_scale, mask(causal, *window_size), softcap, learnable_sink)
    return out.view(type(q)), None
