"""What kernels may have as parameters, and what these are given."""

from __future__ import annotations

import inspect

from . import _core
from .problem import FIELDS

TENSORS = tuple(_core.tensor_names())
_OTHERS = {
    "max_seqlen_q": "queries of the longest sequence", "max_seqlen_k": "keys of the longest sequence",
    "page_size": "keys per page of K and V; 0: not paged",
    "window": "(window_left, window_right); window_right is 0 if the mask is causal",
    "problem": "the Problem",
    "stream": "the CUDA stream as a number; 0 on the CPU",
}
_KEYS_TEXT = ("[batch, heads_kv, seq_kv, head_dim]; with lengths [total_k, heads_kv, head_dim]; with pages [pages, page_size, "
              "heads_kv, head_dim]")
_TENSOR_TEXT = {
    "q": "[batch, heads_q, seq_q, head_dim]; with lengths [total_q, heads_q, head_dim]", "k": _KEYS_TEXT, "v": _KEYS_TEXT,
    "out": "as q, to be filled in",
    "lse": "FP32 [batch, heads_q, seq_q], with lengths [heads_q, total_q], to be filled in; None if the problem asks for none",
    **{f"{name}_descale": "FP32 [batch, heads_kv]; None unless the dtype is e4m3" for name in "qkv"},
    "cu_seqlens_q": "int32 [batch + 1], the first row of each sequence; None without lengths",
    "cu_seqlens_k": "the same of K and V; None without lengths and with pages",
    "seqused_k": "int32 [batch], the keys of each sequence; None without pages",
    "page_table": "int32 [batch, entries], the pages of each sequence; entries past its last key name no page; None without "
                  "pages",
    "sinks": "FP32 [heads_q], a logit per head that has no key; None if the problem has none",
}
# Fields that kernels see by arrays on the device, and the array.
_BY_ARRAYS = {"lengths": "cu_seqlens_q", "kv": "page_table"}
_LONGEST = {"max_seqlen_q": "seq_q", "max_seqlen_k": "seq_kv"}
# Every parameter that a kernel may have, and what it gets. Strides are any; the last axis is contiguous.
ARGUMENTS = {**{name: _TENSOR_TEXT[name] for name in TENSORS},
             **{name: field["meaning"] for name, field in FIELDS.items() if name not in (*TENSORS, *_BY_ARRAYS)}, **_OTHERS}
# Fields that kernels see by the shapes and strides of their tensors.
_BY_TENSORS = {name for name, field in FIELDS.items() if field["by_tensors"]}
# Parameters that hold what another field says.
_ALSO_COVERS = {**{array: (field,) for field, array in _BY_ARRAYS.items()},
                "window": ("window_left", "window_right", "causal"), "window_right": ("causal",),
                "problem": tuple(FIELDS)}


def parameters_of(function, name):
    """The known parameters of a function. Keyword-only ones with a default are the kernel's own business."""
    known = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            return tuple(ARGUMENTS)
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and parameter.default is not inspect.Parameter.empty \
                and parameter.name not in ARGUMENTS:
            continue
        if parameter.name not in ARGUMENTS or parameter.kind in (inspect.Parameter.POSITIONAL_ONLY,
                                                                 inspect.Parameter.VAR_POSITIONAL):
            raise _core.UsageError(f"{name}: unknown parameter {parameter.name}; a kernel's parameters are given by name: "
                                   + ", ".join(ARGUMENTS))
        known.append(parameter.name)
    return tuple(known)


def refuse(function, parameters, problem):
    """Why a function with these parameters cannot run a problem; empty if it can.

    A field that changes the result has to be a parameter. A parameter for lengths or pages needs them, unless it has a
    default.
    """
    covered = _BY_TENSORS.union(parameters, *(_ALSO_COVERS.get(name, ()) for name in parameters))
    changed = list(_core.changed_fields(problem.to_json()))
    factors = [name for name in TENSORS if name.endswith("_descale")] if problem.dtype == "e4m3" else []
    for name in changed + factors:
        if name not in covered:
            return f"the kernel has no parameter {_BY_ARRAYS.get(name, name)}"
    signature = inspect.signature(function).parameters
    for field, array in _BY_ARRAYS.items():
        if field not in changed and array in signature and signature[array].default is inspect.Parameter.empty:
            return f"the kernel needs {array}, which problems without {field} do not have"
    return ""


def value_of(name, parameters, tensors, problem, stream):
    """What a parameter gets in a launch; `tensors` has all of TENSORS."""
    if name in tensors:
        return tensors[name]
    if name == "problem":
        return problem
    if name == "stream":
        return stream
    if name == "window":
        return problem.window
    if name == "page_size":
        return 0 if tensors["page_table"] is None else tensors["k"].shape[1]
    if name in _LONGEST:
        return getattr(problem, _LONGEST[name])
    if name == "window_right" and "causal" not in parameters:
        return problem.window[1]
    return getattr(problem, name)
