"""FlashAttention 3 and 4 as Python kernels: rectangles, ragged batches and paged caches.

Their tensors are [batch, seq, heads, head_dim] and [total, heads, head_dim], their causal mask is aligned bottom-right.
"""

import contextlib
import importlib

from .errors import Unsupported
from .peer import Peer, has_window, import_one, refusing, require, require_packed, version_of

# Wheels of FlashAttention 3 have its module, and the one with the flags of their build, under several names.
_FA3 = ("flash_attn_interface", "flash_attn_3.flash_attn_interface", "fa3_fwd_interface")
_FA3_CONFIGS = ("flash_attn_config", "flash_attn_3.flash_attn_config", "fa3_fwd_config")
_FA4 = ("flash_attn.cute",)
_SEQUENCES = ("windows", "softcap", "lengths", "pages")


def _missing_features():
    """What the build of FlashAttention 3 leaves out; empty if it does not say."""
    for name in _FA3_CONFIGS:
        with contextlib.suppress(Exception):
            flags = importlib.import_module(name).CONFIG["build_flags"]
            prefix = "FLASHATTENTION_DISABLE_"
            return {flag.removeprefix(prefix) for flag, is_set in flags.items() if flag.startswith(prefix) and is_set}
    return set()


def _require_build(problem):
    needed = {"FP16": problem.dtype == "fp16", "FP8": problem.dtype == "e4m3", "PAGEDKV": problem.kv,
              "VARLEN": problem.lengths, "LOCAL": has_window(problem), "SOFTCAP": problem.softcap}
    missing = _missing_features()
    for feature, is_needed in needed.items():
        if is_needed and feature in missing:
            raise Unsupported(f"this build of FlashAttention 3 has no {feature}")
    if problem.dtype == "e4m3" and problem.out_dtype == "fp16":
        raise Unsupported("FlashAttention 3 has bf16 outputs for 8-bit inputs")


def _mask(problem, nothing):
    """The options of the mask; `nothing` is a side of a window that is not there."""
    sides = problem.window if has_window(problem) else (-1, -1)
    return {"causal": problem.causal, "window_size": tuple(nothing if side < 0 else side for side in sides)}


def _rectangles(function, problem):
    def call(q, k, v, q_descale, k_descale, v_descale):
        factors = {"q_descale": q_descale, "k_descale": k_descale, "v_descale": v_descale}
        out = function(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), softmax_scale=problem.scale,
                       causal=problem.causal, **(factors if problem.dtype == "e4m3" else {}))
        return (out[0] if isinstance(out, tuple) else out).transpose(1, 2)
    return call


def _fa3_ragged(module, problem):
    # Only with few queries does a split of the keys pay. 0: the kernel chooses it.
    options = {"softmax_scale": problem.scale, "softcap": problem.softcap, "num_splits": 0 if problem.seq_q == 1 else 1,
               **_mask(problem, -1)}

    def call(q, k, v, cu_seqlens_q, cu_seqlens_k):
        return module.flash_attn_varlen_func(q, k, v, cu_seqlens_q, cu_seqlens_k, problem.seq_q, problem.seq_kv, **options)
    return call


def _fa3_paged(module, problem):
    """With the metadata of its scheduler, where the build computes it. Captured graphs read them where they are."""
    options = {"num_splits": 0, **_mask(problem, -1)}
    kept = []

    def plan(q, cu_seqlens_q, seqused_k, page_size):
        require_packed(cu_seqlens_q)
        found = module.get_scheduler_metadata(
            len(seqused_k), problem.seq_q, problem.seq_kv, problem.heads_q, problem.heads_kv, problem.head_dim, seqused_k,
            qkv_dtype=q.dtype, cu_seqlens_q=cu_seqlens_q, page_size=page_size, has_softcap=problem.softcap > 0, **options)
        if kept and kept[0].shape == found.shape:
            kept[0].copy_(found)
        else:
            kept[:] = [found]

    def call(q, k, v, cu_seqlens_q, seqused_k, page_table):
        require_packed(cu_seqlens_q)
        metadata = {"scheduler_metadata": kept[0]} if kept else {}
        return module.flash_attn_with_kvcache(
            q, k, v, cache_seqlens=seqused_k, page_table=page_table, cu_seqlens_q=cu_seqlens_q, max_seqlen_q=problem.seq_q,
            softmax_scale=problem.scale, softcap=problem.softcap, **metadata, **options)
    if hasattr(module, "get_scheduler_metadata"):
        call.plan = plan
    return call


def _fa3(problem):
    require(problem, (*_SEQUENCES, "e4m3") if problem.lengths else ("e4m3",))
    if problem.dtype == "e4m3" and problem.lengths:
        raise Unsupported("it is given ragged batches in fp16 and bf16 only")
    module = import_one(*_FA3)
    _require_build(problem)
    if problem.kv:
        return refusing(_fa3_paged(module, problem))
    return refusing(_fa3_ragged(module, problem) if problem.lengths else _rectangles(module.flash_attn_func, problem))


def _fa3_configuration():
    return version_of(import_one(*_FA3).flash_attn_func.__module__) \
        + "; it chooses the number of splits with pages or one query; scheduler metadata with pages"


def _fa4_ragged(function, problem):
    options = {"softmax_scale": problem.scale, "softcap": problem.softcap, "max_seqlen_q": problem.seq_q,
               "max_seqlen_k": problem.seq_kv, **_mask(problem, None)}

    def call(q, k, v, cu_seqlens_q, cu_seqlens_k, seqused_k, page_table, sinks):
        require_packed(cu_seqlens_q)
        keys = {"seqused_k": seqused_k, "page_table": page_table} if problem.kv else {"cu_seqlens_k": cu_seqlens_k}
        return function(q, k, v, cu_seqlens_q=cu_seqlens_q, learnable_sink=sinks, **keys, **options)
    return call


def _fa4(problem):
    require(problem, (*_SEQUENCES, "sinks") if problem.lengths else ())
    module = import_one(*_FA4)
    if problem.lengths:
        return refusing(_fa4_ragged(module.flash_attn_varlen_func, problem))
    return refusing(_rectangles(module.flash_attn_func, problem))


def _fa4_configuration():
    return version_of("flash_attn") + "; it does not split keys"


# Both load whole tiles of V: rows after the last key of a sequence, too, and rows that a window hides.
PEERS = {
    "peer_fa3": Peer(_fa3, _fa3_configuration, reads_unused_rows=True),
    "peer_fa4": Peer(_fa4, _fa4_configuration, reads_unused_rows=True),
}
