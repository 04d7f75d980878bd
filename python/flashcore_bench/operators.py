"""FlashCore's attention as operators of PyTorch, for eager code, torch.compile and CUDA graphs."""

import torch

from . import _core
from .problem import Problem

_DTYPES = {torch.float16: "fp16", torch.bfloat16: "bf16"}
_ALIGNMENT = 16  # bytes, which kernels may rely on

_LIBRARY = torch.library.Library("flashcore_bench", "DEF")
_MASK = "bool causal=False, int window_left=-1, int window_right=-1, float softcap=0.0, float? scale=None"
_LIBRARY.define(f"attention(Tensor q, Tensor k, Tensor v, {_MASK}) -> Tensor")
_LIBRARY.define(f"attention_out(Tensor q, Tensor k, Tensor v, Tensor(a!) out, {_MASK}) -> ()")

_plans = {}


# (causal, window_left, window_right, softcap, scale) is the `mask` of these functions.


def _check(q, k, v, out):
    """Raises ValueError unless dtypes and shapes fit each other."""
    if not (q.dtype in _DTYPES and q.dtype == k.dtype == v.dtype == out.dtype):
        raise ValueError(f"attention: q, k, v and out must all be fp16 or all bf16, not {q.dtype}, {k.dtype}, {v.dtype}, "
                         f"{out.dtype}")
    if not (q.dim() == 4 == k.dim() and k.shape == v.shape and q.shape == out.shape):
        raise ValueError("attention: q and out must be [batch, heads_q, seq_q, head_dim], k and v [batch, heads_kv, "
                         f"seq_kv, head_dim], not {[list(tensor.shape) for tensor in (q, k, v, out)]}")


def _make_plan(q, k, v, out, mask):
    """The variant for tensors of these shapes and strides. Raises ValueError if there is none."""
    if (q.shape[0], q.shape[3]) != (k.shape[0], k.shape[3]) or not q.device == k.device == v.device == out.device:
        raise ValueError("attention: q and k must have the same batch and head_dim, and all tensors the same device")
    causal, window_left, window_right, softcap, scale = mask
    fields = {} if scale is None else {"scale": scale}
    problem = Problem(batch=q.shape[0], heads=(q.shape[1], k.shape[1]), seq=(q.shape[2], k.shape[2]), head_dim=q.shape[3],
                      dtype=_DTYPES[q.dtype], causal=causal, window=(window_left, window_right), softcap=softcap, **fields)
    device = q.device.index if q.is_cuda else -1
    return _core.LaunchPlan(problem.to_json(), [list(tensor.stride()) for tensor in (q, k, v, out)], device)


def _plan_for(q, k, v, out, mask):
    key = (q.shape, k.shape, v.shape, q.stride(), k.stride(), v.stride(), out.stride(), q.dtype, q.device, mask)
    plan = _plans.get(key)
    if plan is None:
        plan = _plans[key] = _make_plan(q, k, v, out, mask)
    return plan


def _aligned_copy(tensor):
    """The tensor, or a copy whose rows lie side by side on an aligned address."""
    if tensor.stride(-1) == 1 and tensor.data_ptr() % _ALIGNMENT == 0:
        return tensor
    return tensor.clone(memory_format=torch.contiguous_format)


def _launch_copies(q, k, v, out, mask):
    """For tensors that no kernel takes as they are."""
    written = _aligned_copy(out)
    _launch(_aligned_copy(q), _aligned_copy(k), _aligned_copy(v), written, mask)
    if written is not out:
        out.copy_(written)


def _launch(q, k, v, out, mask):
    pointers = q.data_ptr(), k.data_ptr(), v.data_ptr(), out.data_ptr()
    if (pointers[0] | pointers[1] | pointers[2] | pointers[3]) % _ALIGNMENT or \
            not q.stride(3) == k.stride(3) == v.stride(3) == out.stride(3) == 1:
        return _launch_copies(q, k, v, out, mask)
    plan = _plan_for(q, k, v, out, mask)
    stream = torch._C._cuda_getCurrentRawStream(q.get_device()) if q.is_cuda else 0
    if plan.workspace_bytes:
        scratch = torch.empty(plan.workspace_bytes, dtype=torch.uint8, device=q.device)
        return plan.launch(*pointers, 0, scratch.data_ptr(), stream)
    return plan.launch(*pointers, 0, 0, stream)


def _mutating(q, k, v, out, causal=False, window_left=-1, window_right=-1, softcap=0.0, scale=None):
    """PyTorch leaves out arguments at the end that are at the schema's default."""
    mask = causal, window_left, window_right, softcap, scale
    _check(q, k, v, out)
    if not q.is_cuda or torch.cuda.current_device() == q.get_device():
        _launch(q, k, v, out, mask)
    else:
        with torch.cuda.device(q.device):
            _launch(q, k, v, out, mask)


def _like(q):
    """An output with the strides of q, if its rows lie side by side."""
    out = torch.empty_like(q)
    return out if out.stride(-1) == 1 else torch.empty(q.shape, dtype=q.dtype, device=q.device)


def _functional(q, k, v, *mask):
    out = _like(q)
    _mutating(q, k, v, out, *mask)
    return out


for _device in ("CPU", "CUDA"):
    _LIBRARY.impl("attention", _functional, _device)
    _LIBRARY.impl("attention_out", _mutating, _device)
torch.library.register_fake("flashcore_bench::attention", lambda q, k, v, *_mask: _like(q), lib=_LIBRARY)
torch.library.register_fake("flashcore_bench::attention_out", lambda q, k, v, out, *_mask: None, lib=_LIBRARY)
_ATTENTION = torch.ops.flashcore_bench.attention.default
_ATTENTION_OUT = torch.ops.flashcore_bench.attention_out.default


def _window(window):
    left, right = (-1, -1) if window is None else window if isinstance(window, (tuple, list)) else (window, window)
    return left, right


def attention(q, k, v, *, causal=False, window=None, softcap=0.0, scale=None):
    """softmax(mask(softcap(scale * Q K^T))) V by the variant that a tuned table or the default rule chooses.

    q         fp16 or bf16, [batch, heads_q, seq_q, head_dim]; k and v [batch, heads_kv, seq_kv, head_dim]; any strides
    causal    query i sees keys up to i + seq_kv - seq_q
    window    (left, right): keys that a query sees before and after its diagonal, -1 for all; one number for both
    softcap   a score becomes softcap * tanh(score / softcap); 0 for none
    scale     of the scores; 1 / sqrt(head_dim) if it is None

    Returns the output, of the shape, dtype and strides of q. Has no gradient. Raises ValueError for arguments that no
    variant takes.
    """
    left, right = _window(window)
    return _ATTENTION(q, k, v, causal, left, right, softcap, scale)


def attention_out(q, k, v, out, *, causal=False, window=None, softcap=0.0, scale=None):
    """As attention(), into `out`. Returns nothing."""
    left, right = _window(window)
    _ATTENTION_OUT(q, k, v, out, causal, left, right, softcap, scale)
