"""Kernels of other projects as Python kernels: PyTorch's SDPA and FlexAttention, FlashAttention 3 and 4."""

import importlib
import importlib.util
import warnings

from .errors import Unsupported, first_line
from .kernels import Kernel


def _require_plain(problem):
    if problem.softcap or problem.window_left >= 0 or problem.window_right >= 0:
        raise Unsupported("it is given neither windows nor soft caps here")
    if problem.lengths or problem.kv or problem.sinks:
        raise Unsupported("it is given neither lengths, pages nor sinks here")
    if problem.lse:
        raise Unsupported("it gives no log-sum-exp through its public interface")
    if problem.dtype == "e4m3":
        raise Unsupported("it is given fp16 and bf16 only")


def _explained(call):
    """PyTorch says in warnings why a backend will not do, and in the error only that none did."""
    def wrapped(q, k, v):
        try:
            return call(q, k, v)
        except (NotImplementedError, ValueError) as error:
            raise Unsupported(first_line(error)) from None
        except RuntimeError as error:
            if not any(words in str(error) for words in ("No available kernel", "No viable backend")):
                raise
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                call(q, k, v)
            except RuntimeError:
                pass
        reasons = [str(warning.message).partition(" (Triggered")[0].strip() for warning in caught]
        raise Unsupported("; ".join(["no available kernel", *dict.fromkeys(reasons)]))
    return wrapped


def _sdpa(backend_name):
    def prepare(problem):
        import torch
        from torch.nn.attention import SDPBackend, sdpa_kernel
        _require_plain(problem)
        if problem.causal and problem.seq_q != problem.seq_kv:
            raise Unsupported("PyTorch aligns the causal mask top-left: with seq_q != seq_kv it is another mask")
        backend = getattr(SDPBackend, backend_name, None)
        if backend is None:
            raise Unsupported(f"PyTorch {torch.__version__} has no {backend_name}")
        options = {"is_causal": problem.causal, "scale": problem.scale}
        if problem.heads_q != problem.heads_kv:
            options["enable_gqa"] = True

        def call(q, k, v):
            with sdpa_kernel(backend):
                return torch.nn.functional.scaled_dot_product_attention(q, k, v, **options)
        return _explained(call)
    return prepare


def _flex(problem):
    import torch
    _require_plain(problem)
    try:
        from torch.nn.attention.flex_attention import create_block_mask, flex_attention
    except ImportError:
        raise Unsupported(f"PyTorch {torch.__version__} has no FlexAttention") from None
    if not torch.cuda.is_available():
        raise Unsupported("compiled FlexAttention is taken on CUDA alone")
    torch._dynamo.reset()  # else a dozen problems exceed its limit of compiled versions
    compiled = torch.compile(flex_attention, dynamic=False)
    mask = None
    if problem.causal:
        offset = problem.seq_kv - problem.seq_q
        mask = create_block_mask(lambda b, h, query, key: query + offset >= key, None, None, problem.seq_q,
                                 problem.seq_kv, device="cuda")
    gqa = problem.heads_q != problem.heads_kv

    def call(q, k, v):
        return compiled(q, k, v, block_mask=mask, scale=problem.scale, enable_gqa=gqa)
    return call


def _flash_attention(module_name):
    """FlashAttention's own packages take [batch, seq, heads, head_dim] and align the mask bottom-right."""
    def prepare(problem):
        _require_plain(problem)
        try:
            function = importlib.import_module(module_name).flash_attn_func
        except Exception as error:  # not installed, or built for another PyTorch, which shows in many ways
            raise Unsupported(f"the Python module {module_name} cannot be used: {first_line(error)}") from None

        def call(q, k, v):
            out = function(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), softmax_scale=problem.scale,
                           causal=problem.causal)
            return (out[0] if isinstance(out, tuple) else out).transpose(1, 2)
        return _explained(call)
    return prepare


_PREPARE = {
    "peer_torch_flash": _sdpa("FLASH_ATTENTION"),
    "peer_torch_cudnn": _sdpa("CUDNN_ATTENTION"),
    "peer_torch_efficient": _sdpa("EFFICIENT_ATTENTION"),
    "peer_torch_math": _sdpa("MATH"),
    "peer_torch_flex": _flex,
    "peer_fa3": _flash_attention("flash_attn_interface"),
    "peer_fa4": _flash_attention("flash_attn.cute"),
}
# By family, in the order in which tables have them.
PEERS = tuple(_PREPARE)
# Built-in families of other projects by their short names.
_BUILT_IN = {"cudnn": "peer_cudnn/*"}


def make(family):
    """The Kernel of a peer. Raises UsageError if PyTorch cannot be imported."""
    return Kernel(prepare=_PREPARE[family], name=family, framework="torch", role="peer", path=f"{__name__}:{family}")


def __getattr__(name):
    """Peers by their names, for processes that import them again."""
    if name not in _PREPARE:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return make(name)


def families(name):
    """The families of Python peers that a short name means: "fa3" is peer_fa3, "sdpa_flash" is peer_torch_flash, and
    "sdpa" all backends of SDPA."""
    if name == "sdpa":
        return [family for family in PEERS if family.startswith("peer_torch_") and family != "peer_torch_flex"]
    tried = (name, f"peer_{name}", f"peer_torch_{name.removeprefix('sdpa_')}")
    return [family for family in PEERS if family in tried]


def globs(name):
    """Globs of the ids of the rows that a short name means."""
    built_in = [_BUILT_IN[name]] if name in _BUILT_IN else []
    return built_in + [f"{family}/*" for family in families(name)]


def find(name):
    """Kernels and globs of built-in variants that a name means."""
    if name in _BUILT_IN:
        return [_BUILT_IN[name]]
    found = families(name)
    if found:
        return [make(family) for family in found]
    is_glob = name == "auto" or "/" in name or "*" in name
    return [name if is_glob else f"{name}/*"]
