"""As much of PyTorch as peers for ragged batches use, on NumPy's arrays in host memory."""

import contextlib
import ctypes
import types

import numpy

__version__ = "0.fake"
float16, float32, int16, int32, uint8 = map(numpy.dtype, ("float16", "float32", "int16", "int32", "uint8"))
no_grad = contextlib.nullcontext


class Tensor(numpy.ndarray):
    device = "cpu"

    def copy_(self, other):
        self[...] = other
        return self

    def clone(self):
        return self.copy()

    def transpose(self, first, second):
        return self.swapaxes(first, second)

    def is_contiguous(self):
        return self.flags.c_contiguous

    def contiguous(self):
        return self if self.is_contiguous() else self.copy("C")

    def stride(self, axis=None):
        steps = tuple(step // self.itemsize for step in self.strides)
        return steps if axis is None else steps[axis]

    def view(self, *kind):
        return super().view(*kind)

    def fill_(self, value):
        self.fill(value)
        return self


def from_dlpack(array):
    """NumPy takes such arrays for constants; outputs are none."""
    found = numpy.from_dlpack(array)
    span = sum((size - 1) * step for size, step in zip(found.shape, found.strides)) + found.itemsize if found.size else 0
    memory = (ctypes.c_char * span).from_address(found.ctypes.data)
    return numpy.ndarray(found.shape, found.dtype, memory, 0, found.strides).view(Tensor)


def tensor(values, dtype, device="cpu"):
    assert device == "cpu"
    return numpy.array(values, dtype).view(Tensor)


def zeros(count, dtype, device):
    return tensor(numpy.zeros(count), dtype, device)


def arange(count, device):
    return tensor(numpy.arange(count), int32, device)


def where(condition, first, second):
    return numpy.where(condition, first, second).view(Tensor)


class _OutOfMemoryError(RuntimeError):
    pass


cuda = types.SimpleNamespace(is_available=lambda: False, is_initialized=lambda: False, OutOfMemoryError=_OutOfMemoryError)
version = types.SimpleNamespace(cuda=None)
backends = types.SimpleNamespace(cudnn=types.SimpleNamespace(version=lambda: None))
