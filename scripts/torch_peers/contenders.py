"""Who is compared: this project's variants through libflashcore, and the kernels that PyTorch users have."""

import importlib
import warnings

import torch
import torch.nn.functional

from .devices import input_sets
from .library import DTYPES, LibraryError
from .measure import first_line
from .results import fail, new_record, peer_record


class Refusal(Exception):
    """Why a peer cannot be given this problem."""


class Inputs:
    """Seeded normal Q, K and V, [batch, heads, seq, head_dim] in the problem's layout and dtype, in rotated sets."""

    def __init__(self, problem, device, seed, torch_dtype):
        generator = torch.Generator(device=device.torch_device).manual_seed(seed)
        self.sets = []
        for _ in range(input_sets(problem, device.cache_bytes)):
            shapes = [(problem.heads_q, problem.seq_q), *[(problem.heads_kv, problem.seq_kv)] * 2]
            self.sets.append(tuple(self._normal(problem, heads, rows, generator, device).to(torch_dtype)
                                   for heads, rows in shapes))

    @staticmethod
    def _normal(problem, heads, rows, generator, device):
        if problem.layout == "bshd":
            return torch.randn(problem.batch, rows, heads, problem.head_dim, generator=generator,
                               device=device.torch_device).transpose(1, 2)
        return torch.randn(problem.batch, heads, rows, problem.head_dim, generator=generator,
                           device=device.torch_device)


class Contender:
    """One kernel on one problem. `launch(set)` runs it on an input set, `output()` gives that of set 0."""

    def __init__(self, record, device, num_sets):
        self.record = record
        self.device = device
        self.num_sets = num_sets
        self.prepared = {}

    def sample(self, clock):
        if clock == "call":
            return self.device.call_us(self.launch)
        if clock not in self.prepared:
            self.prepared[clock] = self.device.prepare(self.launch, self.num_sets if clock == "cold" else 1)
        return self.device.sample(self.prepared[clock])

    def examine(self, judge):
        """Checks the output; what stands in the way becomes the record's status. False unless it is right."""
        try:
            out = self.output()
            self.device.synchronize()
        except torch.cuda.OutOfMemoryError as error:
            fail(self.record, "out_of_memory", first_line(error))
            return False
        except Exception as error:  # a peer that refuses a problem says so in its own way
            fail(self.record, "unsupported" if self.refuses(error) else "error", first_line(error))
            return False
        self.record["check"] = judge.check(out)
        if not self.record["check"]["passed"]:
            fail(self.record, "incorrect", self.record["check"]["reason"])
        return self.record["status"] == "ok"

    def refuses(self, error):
        return False

    def close(self):
        self.prepared.clear()


class LibraryContender(Contender):
    """A variant of this project, called with the tensors' addresses and strides on torch's current stream."""

    def __init__(self, library, variant, problem, inputs, device):
        super().__init__(new_record(problem, variant.id, variant.family, variant.backend, variant.spec), device,
                         len(inputs.sets))
        self.library = library
        self.id = variant.id
        self.out = torch.empty_like(inputs.sets[0][0])
        self.lse = torch.empty(problem.batch, problem.heads_q, problem.seq_q, dtype=torch.float32,
                               device=device.torch_device) if problem.lse else None
        self.args = [self._args(problem, tensors) for tensors in inputs.sets]
        try:
            self._ask_library()
        except LibraryError as error:
            fail(self.record, "error", str(error))

    def _ask_library(self):
        """Whether it can run, its workspace, and what it takes from the device."""
        library, device = self.library, self.device
        reason = library.unsupported(self.id, self.args[0], device.index)
        if reason is not None:
            fail(self.record, "unsupported", reason.removeprefix(f"{self.id}: "))
            return
        needed = library.workspace_bytes(self.id, self.args[0], device.index)
        self.workspace = torch.empty(needed, dtype=torch.uint8, device=device.torch_device)
        for args in self.args:
            args.workspace = self.workspace.data_ptr() if needed else None
        self._add_resources()

    def _args(self, problem, tensors):
        args = self.library.new_args()
        for name, tensor in zip(("q", "k", "v", "out"), (*tensors, self.out)):
            setattr(args, name, tensor.data_ptr())
            stride = getattr(args, f"{name}_stride")
            stride.batch, stride.head, stride.row = tensor.stride()[:3]
        args.lse = self.lse.data_ptr() if self.lse is not None else None
        args.dtype = DTYPES.index(problem.dtype)
        for name in ("batch", "heads_q", "heads_kv", "seq_q", "seq_kv", "head_dim", "scale", "softcap"):
            setattr(args, name, getattr(problem, name))
        args.window_left, args.window_right = problem.windows()
        return args

    def _add_resources(self):
        found = self.library.resources(self.id, self.args[0], self.device.index)
        if found.registers == 0:
            return  # the CPU, and kernels that do not tell
        threads_per_sm = self.device.properties.max_threads_per_multi_processor
        slots = found.blocks_per_sm * self.device.properties.multi_processor_count
        names = ("registers", "static_smem_bytes", "dynamic_smem_bytes", "spill_bytes", "threads", "blocks_per_sm",
                 "grid_blocks")
        self.record["resources"] = {
            **{name: getattr(found, name) for name in names},
            "smem_bytes": found.static_smem_bytes + found.dynamic_smem_bytes,
            "occupancy": min(found.blocks_per_sm * found.threads / threads_per_sm, 1.0),
            "waves": found.grid_blocks / slots if slots else 0.0}

    def launch(self, set_index):
        self.library.launch(self.id, self.args[set_index], self.device.index, self.device.current_stream())

    def output(self):
        self.out.fill_(float("nan"))
        self.launch(0)
        return self.out


class PeerContender(Contender):
    """A function of (q, k, v) that returns the output as [batch, heads_q, seq_q, head_dim]."""

    def __init__(self, family, problem, inputs, device):
        super().__init__(peer_record(problem, family, device.backend), device, len(inputs.sets))
        self.inputs = inputs
        try:
            self.function = PEERS[family](problem, device)
        except Refusal as refusal:
            fail(self.record, "unsupported", str(refusal))
        except Exception as error:  # a compiler's, for example
            fail(self.record, "error", first_line(error))

    def launch(self, set_index):
        self.function(*self.inputs.sets[set_index])

    def output(self):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                return self.function(*self.inputs.sets[0])
            except RuntimeError as error:
                # PyTorch says in warnings why a backend will not do, and in the error only that none did.
                reasons = [str(warning.message).partition(" (Triggered")[0].strip() for warning in caught]
                if "No available kernel" not in str(error):
                    raise
                raise Refusal("; ".join(["no available kernel", *dict.fromkeys(reasons)])) from None

    def refuses(self, error):
        return isinstance(error, (Refusal, NotImplementedError, ValueError))


def require_plain(problem):
    if problem.softcap > 0 or problem.window_left >= 0 or problem.window_right >= 0:
        raise Refusal("PyTorch's interface is given neither windows nor soft caps here")
    if problem.lse:
        raise Refusal("gives no log-sum-exp through its public interface")


def sdpa(backend_name):
    def make(problem, device):
        from torch.nn.attention import SDPBackend, sdpa_kernel
        require_plain(problem)
        if problem.causal and problem.seq_q != problem.seq_kv:
            raise Refusal("PyTorch aligns the causal mask top-left: with seq_q != seq_kv it is another mask")
        backend = getattr(SDPBackend, backend_name, None)
        if backend is None:
            raise Refusal(f"PyTorch {torch.__version__} has no {backend_name}")
        options = {"is_causal": problem.causal, "scale": problem.scale}
        if problem.heads_q != problem.heads_kv:
            options["enable_gqa"] = True

        def call(q, k, v):
            with sdpa_kernel(backend):
                return torch.nn.functional.scaled_dot_product_attention(q, k, v, **options)
        return call
    return make


def flex(problem, device):
    require_plain(problem)
    try:
        from torch.nn.attention.flex_attention import create_block_mask, flex_attention
    except ImportError:
        raise Refusal(f"PyTorch {torch.__version__} has no FlexAttention") from None
    if device.backend != "cuda":
        raise Refusal("compiled FlexAttention is taken on CUDA alone")
    torch._dynamo.reset()  # else a dozen problems exceed its limit of compiled versions
    compiled = torch.compile(flex_attention, dynamic=False)
    mask = None
    if problem.causal:
        offset = problem.seq_kv - problem.seq_q
        mask = create_block_mask(lambda b, h, query, key: query + offset >= key, None, None, problem.seq_q,
                                 problem.seq_kv, device=device.torch_device)
    gqa = problem.heads_q != problem.heads_kv
    return lambda q, k, v: compiled(q, k, v, block_mask=mask, scale=problem.scale, enable_gqa=gqa)


def flash_attention(module_name):
    """FlashAttention's own packages take [batch, seq, heads, head_dim] and align the mask bottom-right."""
    def make(problem, device):
        require_plain(problem)
        try:
            function = importlib.import_module(module_name).flash_attn_func
        except Exception as error:  # not installed, or built for another PyTorch, which shows in many ways
            raise Refusal(f"the Python module {module_name} cannot be used: {first_line(error)}") from None

        def call(q, k, v):
            out = function(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), softmax_scale=problem.scale,
                           causal=problem.causal)
            return (out[0] if isinstance(out, tuple) else out).transpose(1, 2)
        return call
    return make


PEERS = {
    "peer_torch_flash": sdpa("FLASH_ATTENTION"),
    "peer_torch_cudnn": sdpa("CUDNN_ATTENTION"),
    "peer_torch_efficient": sdpa("EFFICIENT_ATTENTION"),
    "peer_torch_math": sdpa("MATH"),
    "peer_torch_flex": flex,
    "peer_fa3": flash_attention("flash_attn_interface"),
    "peer_fa4": flash_attention("flash_attn.cute"),
}
