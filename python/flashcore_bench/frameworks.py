"""What kernels get their tensors from: PyTorch or NumPy."""

import contextlib
import functools
import importlib.util
import json

from . import _core
from .errors import WrongOutput, first_line


def _check_result(result, out):
    """The output among what a kernel returned; with several values it is the first."""
    result = result[0] if isinstance(result, (tuple, list)) and result else result
    if result is None:
        raise WrongOutput("it takes no argument out, and returns nothing")
    for what in ("shape", "dtype"):
        got, wanted = getattr(result, what, None), getattr(out, what)
        if got is None or (tuple(got) != tuple(wanted) if what == "shape" else got != wanted):
            raise WrongOutput(f"it returns {what} {got}, wanted {wanted}")
    return result


class NumPy:
    """Arrays in host memory."""

    name = "numpy"
    backends = ("cpu",)

    @staticmethod
    def refuse(problem):
        """Why problems of this dtype cannot be given as arrays; empty if they can."""
        return "" if problem.dtype == "fp16" else f"numpy has no {problem.dtype}; a kernel with framework=\"torch\" gets it"

    @staticmethod
    def tensor(array, _is_e4m3):
        return array

    @staticmethod
    def array(tensor):
        """What the core takes: elements of e4m3 as bytes."""
        return tensor

    @staticmethod
    def use_stream(_stream, _device):
        pass

    @staticmethod
    @contextlib.contextmanager
    def session(_device):
        yield

    @staticmethod
    def wait():
        """Waits for work that is not on the stream of launches."""

    @staticmethod
    def collect(out, cu_seqlens, result):
        """Copies a returned array to `out`, up to the last sequence's rows of a ragged batch. Poisons it, so that a launch
        that leaves it as it is shows."""
        result = _check_result(result, out)
        rows = slice(None) if cu_seqlens is None else slice(cu_seqlens[-1])
        out[rows] = result[rows]
        if result.flags.writeable:
            result.view("int16")[...] = _core.poison16

    @staticmethod
    def explain(error):
        """The status of a record for an exception; None: the usual one."""
        return "out_of_memory" if isinstance(error, MemoryError) else None

    @staticmethod
    def versions():
        import numpy
        return {"numpy": {"version": numpy.__version__}}


def _is_context_lost(torch):
    """Whether a kernel, for example by an illegal address, has made CUDA unusable for this process."""
    if not torch.cuda.is_initialized():
        return False
    try:
        if not torch.cuda.is_current_stream_capturing():
            torch.cuda.synchronize()
    except RuntimeError:
        return True
    return False


class Torch:
    """Tensors in host or device memory. Launches are on torch's current stream."""

    name = "torch"
    backends = ("cpu", "cuda")

    @staticmethod
    def refuse(_problem):
        return ""

    @staticmethod
    def tensor(array, is_e4m3):
        import torch
        tensor = torch.from_dlpack(array)
        return tensor.view(torch.float8_e4m3fn) if is_e4m3 else tensor

    @staticmethod
    def array(tensor):
        import torch
        return tensor.view(torch.uint8) if tensor.dtype == torch.float8_e4m3fn else tensor

    @staticmethod
    def use_stream(stream, device):
        import torch
        if stream and torch.cuda.current_stream(device).cuda_stream != stream:
            torch.cuda.set_stream(torch.cuda.ExternalStream(stream, device))

    @staticmethod
    @contextlib.contextmanager
    def session(device):
        """No gradients; on CUDA also the caller's stream afterwards, and memory of its own.

        A captured graph writes to what its launches allocated. That memory must not serve anything else meanwhile.
        """
        import torch
        with torch.no_grad():
            if device is None:
                yield
                return
            with torch.cuda.device(device):
                before = torch.cuda.current_stream(device)
                torch.cuda.synchronize()  # what kernels hold may still be in the making, on the caller's stream
                try:
                    with torch.cuda.use_mem_pool(torch.cuda.MemPool()):
                        yield
                finally:
                    torch.cuda.set_stream(before)

    @staticmethod
    def wait():
        import torch
        if torch.cuda.is_initialized():
            torch.cuda.synchronize()

    @staticmethod
    def collect(out, cu_seqlens, result):
        import torch
        result = _check_result(result, out)
        if cu_seqlens is None:
            out.copy_(result)
        else:  # the lengths stay on the device
            belongs = torch.arange(len(out), device=out.device) < cu_seqlens[-1]
            out.copy_(torch.where(belongs[:, None, None], result, out))
        result.view(torch.int16).fill_(_core.poison16)

    @staticmethod
    def explain(error):
        import torch
        if isinstance(error, (MemoryError, torch.cuda.OutOfMemoryError)):
            return "out_of_memory"
        return "crashed" if _is_context_lost(torch) else None

    @staticmethod
    def versions():
        """As `torch` of a result file's environment."""
        import sys
        import torch
        found = {"version": torch.__version__, "cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version()}
        for name in ("triton", "flash_attn", "flash_attn_interface"):
            found[name] = getattr(sys.modules.get(name), "__version__", None)
        return {"torch": {name: version for name, version in found.items() if version is not None}}


FRAMEWORKS = {framework.name: framework for framework in (Torch, NumPy)}


def find(name):
    """A framework by its name; None: PyTorch if it can be imported, else NumPy. Raises UsageError."""
    if name is None:
        return Torch if importlib.util.find_spec("torch") else NumPy
    if name not in FRAMEWORKS:
        raise _core.UsageError(f"framework: {name} is none of: {', '.join(FRAMEWORKS)}")
    if importlib.util.find_spec(name) is None:
        raise _core.UsageError(f"framework: {name} cannot be imported")
    return FRAMEWORKS[name]


@functools.lru_cache(maxsize=None)
def has_cuda():
    """Whether this build and this machine have a CUDA device."""
    return bool(json.loads(_core.cuda())["devices"])


def parse_device(device, framework):
    """(backend, index) of "cpu", "cuda" or "cuda:1"; None: the GPU if the framework and the build can use one."""
    if device is None or device == "auto":
        backend = "cuda" if "cuda" in framework.backends and has_cuda() else "cpu"
        return backend, 0
    backend, _, index = str(device).partition(":")
    if backend not in framework.backends or (index and not index.isdigit()):
        raise _core.UsageError(f"device: {device} is no device of {framework.name}")
    return backend, int(index or 0)


__all__ = ["FRAMEWORKS", "NumPy", "Torch", "find", "first_line", "has_cuda", "parse_device"]
