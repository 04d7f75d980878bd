"""Kernels of other projects as Python kernels: all of them by name, and PyTorch's SDPA and FlexAttention."""

import warnings

from . import cudnn_peers, flash_attention_peers, flashinfer_peers
from .errors import Unsupported, first_line
from .kernels import Kernel
from .peer import Peer, require


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
        require(problem)
        import torch
        from torch.nn.attention import SDPBackend, sdpa_kernel
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
    require(problem)
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


def _torch_configuration():
    import torch
    return f"PyTorch {torch.__version__}"


def _cudnn_configuration():
    import torch
    return f"{_torch_configuration()}, cuDNN {torch.backends.cudnn.version()}"


_PEERS = {
    "peer_torch_flash": Peer(_sdpa("FLASH_ATTENTION"), _torch_configuration),
    "peer_torch_cudnn": Peer(_sdpa("CUDNN_ATTENTION"), _cudnn_configuration),
    "peer_torch_efficient": Peer(_sdpa("EFFICIENT_ATTENTION"), _torch_configuration),
    "peer_torch_math": Peer(_sdpa("MATH"), _torch_configuration),
    "peer_torch_flex": Peer(_flex, _torch_configuration),
    **flash_attention_peers.PEERS,
    **flashinfer_peers.PEERS,
    **cudnn_peers.PEERS,
}
# By family, in the order in which tables have them.
PEERS = tuple(_PEERS)
# Built-in families of other projects by their short names.
_BUILT_IN = {"cudnn": "peer_cudnn/*"}


def make(family):
    """The Kernel of a peer. Raises UsageError if PyTorch cannot be imported."""
    peer = _PEERS[family]
    return Kernel(prepare=peer.prepare, name=family, framework="torch", role="peer", path=f"{__name__}:{family}",
                  choice=peer.configuration, reads_unused_rows=peer.reads_unused_rows)


def that_run(problems):
    """The families that can run one of these problems, given as objects of a config, as far as lengths tell."""
    has_lengths = any("lengths" in problem for problem in problems)
    return [family for family, peer in _PEERS.items() if has_lengths or not peer.needs_lengths]


def __getattr__(name):
    """Peers by their names, for processes that import them again."""
    if name not in _PEERS:
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
