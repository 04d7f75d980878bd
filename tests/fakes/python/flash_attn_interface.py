"""FlashAttention 3 by its signatures, in NumPy."""

import numpy
from fake_attention import mask, of_offsets, of_table, sequences

calls = []


def flash_attn_func(q, k, v, softmax_scale=None, causal=False, qv=None, q_descale=None, k_descale=None, v_descale=None):
    calls.append(("flash_attn_func", {"q_descale": q_descale, "k_descale": k_descale, "v_descale": v_descale}))
    offsets = [i * q.shape[1] for i in range(len(q) + 1)]
    flat = [tensor.reshape(-1, *tensor.shape[2:]) for tensor in (q, k, v)]
    keys_of = of_offsets([i * k.shape[1] for i in range(len(k) + 1)])
    return sequences(*flat, offsets, keys_of, softmax_scale, mask(causal)).reshape(q.shape).view(type(q))


def flash_attn_varlen_func(q, k, v, cu_seqlens_q, cu_seqlens_k, max_seqlen_q, max_seqlen_k, seqused_q=None, seqused_k=None,
                           softmax_scale=None, causal=False, qv=None, q_descale=None, k_descale=None, v_descale=None,
                           window_size=(-1, -1), attention_chunk=0, softcap=0.0, num_splits=1):
    calls.append(("flash_attn_varlen_func", {"num_splits": num_splits, "window_size": window_size}))
    assert max_seqlen_q == max(cu_seqlens_q[1:] - cu_seqlens_q[:-1])
    return sequences(q, k, v, cu_seqlens_q, of_offsets(cu_seqlens_k), softmax_scale, mask(causal, *window_size),
                     softcap).view(type(q))


def get_scheduler_metadata(batch_size, max_seqlen_q, max_seqlen_k, num_heads_q, num_heads_kv, headdim, cache_seqlens,
                           qkv_dtype=None, headdim_v=None, cu_seqlens_q=None, cu_seqlens_k_new=None, cache_leftpad=None,
                           page_size=None, max_seqlen_k_new=0, causal=False, window_size=(-1, -1), attention_chunk=0,
                           has_softcap=False, num_splits=0, pack_gqa=None, sm_margin=0):
    calls.append(("get_scheduler_metadata", {"lengths": list(cache_seqlens), "page_size": page_size}))
    return cache_seqlens.clone()


def flash_attn_with_kvcache(q, k_cache, v_cache, k=None, v=None, qv=None, rotary_cos=None, rotary_sin=None,
                            cache_seqlens=None, cache_batch_idx=None, cache_leftpad=None, page_table=None, cu_seqlens_q=None,
                            cu_seqlens_k_new=None, max_seqlen_q=None, rotary_seqlens=None, q_descale=None, k_descale=None,
                            v_descale=None, softmax_scale=None, causal=False, window_size=(-1, -1), attention_chunk=0,
                            softcap=0.0, rotary_interleaved=True, scheduler_metadata=None, num_splits=0):
    assert numpy.array_equal(scheduler_metadata, cache_seqlens), "the metadata are of other lengths"
    return sequences(q, k_cache, v_cache, cu_seqlens_q, of_table(page_table, cache_seqlens), softmax_scale,
                     mask(causal, *window_size), softcap).view(type(q))
