"""FlashCore's attention as operators of PyTorch, for eager code, torch.compile and CUDA graphs."""

import torch

from . import _core
from .problem import Problem

_DTYPES = {torch.float16: "fp16", torch.bfloat16: "bf16"}
_ALIGNMENT = _core.tensor_alignment  # bytes

_LIBRARY = torch.library.Library("flashcore_bench", "DEF")
_MASK = "bool causal=False, int window_left=-1, int window_right=-1, float softcap=0.0, float? scale=None"
_LIBRARY.define(f"attention(Tensor q, Tensor k, Tensor v, {_MASK}) -> Tensor")
_LIBRARY.define(f"attention_out(Tensor q, Tensor k, Tensor v, Tensor(a!) out, {_MASK}) -> ()")

# (causal, window_left, window_right, softcap, scale) is the `mask` of these functions.


class _Plan:
    """What a call does with tensors of one shape: `launch` of a chosen variant, its workspace, whether it takes the
    tensors as they are, and their device (-1: the CPU)."""

    __slots__ = ("core", "launch", "workspace_bytes", "takes_strides", "device")

    def __init__(self, q, k, v, out, mask):
        _check(q, k, v, out)
        strides = [list(tensor.stride()) for tensor in (q, k, v, out)]
        self.device = q.device.index if q.is_cuda else -1
        self.takes_strides = all(stride[3] == 1 for stride in strides)
        if not self.takes_strides:
            return
        causal, window_left, window_right, softcap, scale = mask
        fields = {} if scale is None else {"scale": scale}
        problem = Problem(batch=q.shape[0], heads=(q.shape[1], k.shape[1]), seq=(q.shape[2], k.shape[2]),
                          head_dim=q.shape[3], dtype=_DTYPES[q.dtype], causal=causal, window=(window_left, window_right),
                          softcap=softcap, **fields)
        plan = _core.LaunchPlan(problem.to_json(), strides, self.device)
        self.core = plan
        self.launch = plan.launch
        self.workspace_bytes = plan.workspace_bytes


# Calls without a dozen of Python objects each, where PyTorch offers DLPack's C functions.
_EXCHANGE = getattr(torch.Tensor, "__dlpack_c_exchange_api__", None)
_calls = None if _EXCHANGE is None else _core.TensorCalls(_EXCHANGE)
_plans = {}
_MOST_PLANS = 4096  # decoding asks for every length of its keys once


def _check(q, k, v, out):
    """Raises ValueError unless dtypes, shapes and devices fit each other."""
    if not (q.dtype in _DTYPES and q.dtype == k.dtype == v.dtype == out.dtype):
        raise ValueError(f"attention: q, k, v and out must all be fp16 or all bf16, not {q.dtype}, {k.dtype}, {v.dtype}, "
                         f"{out.dtype}")
    if not (q.dim() == 4 == k.dim() and k.shape == v.shape and q.shape == out.shape
            and (q.shape[0], q.shape[3]) == (k.shape[0], k.shape[3])):
        raise ValueError("attention: q and out must be [batch, heads_q, seq_q, head_dim], k and v [batch, heads_kv, "
                         f"seq_kv, head_dim], not {[list(tensor.shape) for tensor in (q, k, v, out)]}")
    if not q.device == k.device == v.device == out.device:
        raise ValueError("attention: all tensors must be on the same device")


def _aligned_copy(tensor):
    """The tensor, or a copy whose rows lie side by side on an aligned address."""
    if tensor.stride(-1) == 1 and tensor.data_ptr() % _ALIGNMENT == 0:
        return tensor
    return tensor.clone(memory_format=torch.contiguous_format)


def _attend_copies(q, k, v, out, mask):
    """For tensors that no variant takes as they are."""
    written = _aligned_copy(out)
    _attend(_aligned_copy(q), _aligned_copy(k), _aligned_copy(v), written, mask)
    if written is not out:
        out.copy_(written)


def _attend(q, k, v, out, mask):
    key = (q.shape, k.shape, v.shape, out.shape, q.stride(), k.stride(), v.stride(), out.stride(), q.dtype, k.dtype,
           v.dtype, out.dtype, q.device, k.device, v.device, out.device, mask)
    plan = _plans.get(key)
    if plan is None:
        if len(_plans) == _MOST_PLANS:
            _plans.clear()
        plan = _plans[key] = _Plan(q, k, v, out, mask)
        if _calls is not None and plan.takes_strides:
            _calls.remember(plan.core, q, k, v, out, *mask)
    q_at, k_at, v_at, out_at = q.data_ptr(), k.data_ptr(), v.data_ptr(), out.data_ptr()
    if not plan.takes_strides or (q_at | k_at | v_at | out_at) % _ALIGNMENT:
        _attend_copies(q, k, v, out, mask)
    elif plan.device < 0:
        scratch = torch.empty(plan.workspace_bytes, dtype=torch.uint8)
        plan.launch(q_at, k_at, v_at, out_at, 0, scratch.data_ptr(), 0)
    elif torch._C._cuda_getDevice() != plan.device:
        with torch.cuda.device(plan.device):
            _attend(q, k, v, out, mask)
    else:
        workspace = 0
        if plan.workspace_bytes:
            scratch = torch.empty(plan.workspace_bytes, dtype=torch.uint8, device=q.device)
            workspace = scratch.data_ptr()
        plan.launch(q_at, k_at, v_at, out_at, 0, workspace, torch._C._cuda_getCurrentRawStream(plan.device))


# PyTorch leaves out arguments at the end that are at the schema's default.
def _mutating(q, k, v, out, causal=False, window_left=-1, window_right=-1, softcap=0.0, scale=None):
    if _calls is None or _calls.launch(q, k, v, out, causal, window_left, window_right, softcap, scale) is None:
        _attend(q, k, v, out, (causal, window_left, window_right, softcap, scale))
    torch.autograd.graph.increment_version(out)  # else gradients that need the old values would be wrong silently


def _like(q):
    """An output with the strides of q, if its rows lie side by side."""
    out = torch.empty_like(q)
    return out if out.stride(-1) == 1 else torch.empty(q.shape, dtype=q.dtype, device=q.device)


def _functional(q, k, v, causal=False, window_left=-1, window_right=-1, softcap=0.0, scale=None):
    if _calls is not None:
        out = _calls.launch(q, k, v, None, causal, window_left, window_right, softcap, scale)
        if out is not None:
            return out
    out = _like(q)
    _attend(q, k, v, out, (causal, window_left, window_right, softcap, scale))
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


_Tensor = torch.Tensor
try:  # not public: a version of PyTorch may lack them
    _profiler = torch.autograd.profiler
    _is_compiling = torch.compiler.is_compiling
    _dispatch_modes, _function_modes = torch._C._len_torch_dispatch_stack, torch._C._len_torch_function_stack
    _transform, _trace = torch._C._functorch.maybe_current_level, torch._C._get_tracing_state
    _knows_modes = hasattr(_profiler, "_is_profiler_enabled")
except AttributeError:
    _knows_modes = False


def _is_eager(q, k, v):
    """Whether PyTorch's dispatcher would do nothing but call the kernel: plain tensors, no gradient, no mode, no transform
    and no tracing. The dispatcher takes as long as the launch."""
    return _knows_modes and not (
        _is_compiling() or _calls is None or type(q) is not _Tensor or type(k) is not _Tensor or type(v) is not _Tensor
        or _dispatch_modes() or _function_modes() or _transform() is not None or _trace() is not None
        or _profiler._is_profiler_enabled or q.is_neg() or k.is_neg() or v.is_neg()
        or ((q.requires_grad or k.requires_grad or v.requires_grad) and torch.is_grad_enabled()))


def attention(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, *, causal: bool = False, window=None, softcap: float = 0.0,
              scale: float | None = None) -> torch.Tensor:
    """softmax(mask(softcap(scale * Q K^T))) V by the variant that a tuned table or the default rule chooses.

    q         fp16 or bf16, [batch, heads_q, seq_q, head_dim]; k and v [batch, heads_kv, seq_kv, head_dim]; any strides
    causal    query i sees keys up to i + seq_kv - seq_q
    window    (left, right): keys that a query sees before and after its diagonal, -1 for all; one number for both
    softcap   a score becomes softcap * tanh(score / softcap); 0 for none
    scale     of the scores; 1 / sqrt(head_dim) if it is None

    Returns the output, of the shape, dtype and strides of q. Has no gradient. Raises ValueError for arguments that no
    variant takes.
    """
    left, right = (-1, -1) if window is None else _window(window)
    if _is_eager(q, k, v):
        out = _calls.launch(q, k, v, None, causal, left, right, softcap, scale)
        if out is not None:
            return out
    return _ATTENTION(q, k, v, causal, left, right, softcap, scale)


def attention_out(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, out: torch.Tensor, *, causal: bool = False,
                  window=None, softcap: float = 0.0, scale: float | None = None) -> None:
    """As attention(), into `out`. Returns nothing."""
    left, right = (-1, -1) if window is None else _window(window)
    if _is_eager(q, k, v) and type(out) is _Tensor and not (out.requires_grad or out.is_neg()):
        _mutating(q, k, v, out, causal, left, right, softcap, scale)
    else:
        _ATTENTION_OUT(q, k, v, out, causal, left, right, softcap, scale)
