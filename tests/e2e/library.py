"""libflashcore by ctypes: the structs and functions of src/capi/flashcore.h and flashcore_v2.h."""

import ctypes
import ctypes.util
import dataclasses
import json
import os
import pathlib

HOST = -1
DTYPES = ("fp16", "bf16", "e4m3")
BACKENDS = ("cpu", "cuda")


class LibraryError(Exception):
    """What the library says of a call that failed, or of itself when it cannot be loaded."""


class Strides(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int64) for name in ("batch", "head", "row")]


class Attention(ctypes.Structure):
    _fields_ = ([(name, ctypes.c_void_p) for name in ("q", "k", "v", "out", "lse", "workspace")]
                + [(name, Strides) for name in ("q_stride", "k_stride", "v_stride", "out_stride")]
                + [(name, ctypes.c_int32) for name in ("dtype", "batch", "heads_q", "heads_kv", "seq_q", "seq_kv",
                                                       "head_dim", "window_left", "window_right")]
                + [("scale", ctypes.c_float), ("softcap", ctypes.c_float), ("out_dtype", ctypes.c_int32)]
                + [(name, ctypes.c_void_p) for name in ("q_descale", "k_descale", "v_descale")])


class AttentionV2(ctypes.Structure):
    _fields_ = ([("struct_size", ctypes.c_uint32)]
                + [(name, ctypes.c_int32) for name in ("dtype", "kv_dtype", "out_dtype")]
                + [(name, ctypes.c_void_p) for name in ("q", "k", "v", "out", "lse", "workspace", "plan")]
                + [(name, Strides) for name in ("q_stride", "k_stride", "v_stride", "out_stride", "lse_stride")]
                + [(name, ctypes.c_int32) for name in ("lse_base", "batch", "heads_q", "heads_kv", "head_dim",
                                                       "head_dim_v", "max_seqlen_q", "max_seqlen_k")]
                + [(name, ctypes.c_int64) for name in ("total_q", "total_k")]
                + [(name, ctypes.c_void_p) for name in ("cu_seqlens_q", "cu_seqlens_k", "seqused_q", "seqused_k",
                                                        "page_table")]
                + [(name, ctypes.c_int64) for name in ("page_table_stride", "num_pages")]
                + [(name, ctypes.c_int32) for name in ("page_size", "mask", "window_left", "window_right", "chunk")]
                + [("scale", ctypes.c_float), ("softcap", ctypes.c_float), ("mask_bits", ctypes.c_void_p),
                   ("mask_bits_stride", Strides)]
                + [(name, ctypes.c_void_p) for name in ("sinks", "q_descale", "k_descale", "v_descale")])


class MergePart(ctypes.Structure):
    _fields_ = [("out", ctypes.c_void_p), ("lse", ctypes.c_void_p), ("out_stride", Strides), ("lse_stride", Strides)]


class MergeArgs(ctypes.Structure):
    _fields_ = ([("struct_size", ctypes.c_uint32)]
                + [(name, ctypes.c_int32) for name in ("part_dtype", "out_dtype", "lse_base", "batch", "heads")]
                + [("rows", ctypes.c_int64), ("head_dim", ctypes.c_int32), ("num_parts", ctypes.c_int32),
                   ("parts", ctypes.POINTER(MergePart)), ("out", ctypes.c_void_p), ("lse", ctypes.c_void_p),
                   ("out_stride", Strides), ("lse_stride", Strides)])


class VariantInfo(ctypes.Structure):
    _fields_ = ([(name, ctypes.c_char_p) for name in ("id", "family", "summary")]
                + [(name, ctypes.c_int32) for name in ("backend", "dtype", "head_dim", "smem_bytes")])


class Resources(ctypes.Structure):
    _fields_ = ([(name, ctypes.c_int32) for name in ("registers", "static_smem_bytes", "dynamic_smem_bytes",
                                                     "spill_bytes", "threads", "blocks_per_sm")]
                + [("grid_blocks", ctypes.c_int64)])


class ResourcesV2(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_uint32), *Resources._fields_]


@dataclasses.dataclass(frozen=True)
class Variant:
    id: str
    family: str
    backend: str
    spec: dict  # as a record has it: dtype, head_dim and the attributes that are not 0


def default_path():
    """In the tree's build folders, else where the loader looks."""
    root = pathlib.Path(__file__).resolve().parents[2]
    built = sorted(root.glob("build/*/libflashcore.so"), key=os.path.getmtime, reverse=True)
    return str(built[0]) if built else ctypes.util.find_library("flashcore") or "libflashcore.so"


class Library:
    """One loaded libflashcore. Methods raise LibraryError with the library's own words."""

    def __init__(self, path=None):
        path = path or default_path()
        try:
            self._c = ctypes.CDLL(path)
            self._declare()
        except (OSError, AttributeError) as error:
            raise LibraryError(f"{path} cannot be used: {error}") from None
        self.path = path

    def _declare(self):
        text, status, size, i32 = ctypes.c_char_p, ctypes.c_int, ctypes.c_size_t, ctypes.c_int32
        args, args_v2 = ctypes.POINTER(Attention), ctypes.POINTER(AttentionV2)
        signatures = {
            "version": (text, []),
            "environment": (text, [i32]),
            "last_error": (text, []),
            "status_text": (text, [status]),
            "variant_count": (size, []),
            "variant_at": (status, [size, ctypes.POINTER(VariantInfo)]),
            "find_variant": (status, [text, ctypes.POINTER(VariantInfo)]),
            "attribute_name": (text, [size]),
            "variant_attribute": (status, [text, text, ctypes.POINTER(i32)]),
            "attention_init": (None, [args]),
            "default_variant": (text, [args, i32]),
            "load_tuned_table": (status, [text]),
            "choose_variant": (text, [args, i32, ctypes.POINTER(text)]),
            "unsupported": (text, [text, args, i32]),
            "workspace_bytes": (status, [text, args, i32, ctypes.POINTER(size)]),
            "query_resources": (status, [text, args, i32, ctypes.POINTER(Resources)]),
            "launch": (status, [text, args, i32, ctypes.c_void_p]),
            "load_plugin": (status, [text]),
            "attention_v2_init": (None, [args_v2, size]),
            "query_resources_v2": (status, [text, args_v2, i32, ctypes.POINTER(ResourcesV2)]),
            "variant_capabilities": (status, [text, ctypes.POINTER(ctypes.c_uint64)]),
            "plan_bytes": (status, [text, args_v2, i32, ctypes.POINTER(size)]),
            "plan": (status, [text, args_v2, i32, ctypes.c_void_p]),
            "merge": (status, [ctypes.POINTER(MergeArgs), i32, ctypes.c_void_p]),
        }
        for name in ("default_variant", "choose_variant", "unsupported", "workspace_bytes", "launch"):
            result, arguments = signatures[name]
            signatures[f"{name}_v2"] = (result, [args_v2 if argument is args else argument for argument in arguments])
        for name, (result, arguments) in signatures.items():
            function = getattr(self._c, f"flashcore_{name}")
            function.restype, function.argtypes = result, arguments

    def _of(self, name, args):
        """The function for the version of the arguments."""
        return getattr(self._c, f"flashcore_{name}_v2" if isinstance(args, AttentionV2) else f"flashcore_{name}")

    def _check(self, status):
        if status != 0:
            words = self._c.flashcore_last_error() or self._c.flashcore_status_text(status)
            raise LibraryError(words.decode())

    def version(self):
        return self._c.flashcore_version().decode()

    def environment(self, device):
        """What result files say of this build and of a device."""
        found = self._c.flashcore_environment(device)
        if found is None:
            raise LibraryError(self._c.flashcore_last_error().decode())
        return json.loads(found)

    def variants(self):
        """Every variant, in ladder order."""
        infos = []
        for index in range(self._c.flashcore_variant_count()):
            info = VariantInfo()
            self._check(self._c.flashcore_variant_at(index, info))
            infos.append(self._variant(info))
        return infos

    def find(self, variant_id):
        info = VariantInfo()
        self._check(self._c.flashcore_find_variant(variant_id.encode(), info))
        return self._variant(info)

    def _variant(self, info):
        spec = {"dtype": DTYPES[info.dtype]}
        index = 0
        while (name := self._c.flashcore_attribute_name(index)) is not None:
            value = ctypes.c_int32()
            self._check(self._c.flashcore_variant_attribute(info.id, name, value))
            if value.value != 0:
                spec[name.decode()] = value.value
            index += 1
        return Variant(info.id.decode(), info.family.decode(), BACKENDS[info.backend], spec)

    def new_args(self):
        args = Attention()
        self._c.flashcore_attention_init(args)
        return args

    def new_args_v2(self):
        args = AttentionV2()
        self._c.flashcore_attention_v2_init(args, ctypes.sizeof(args))
        return args

    def default_variant(self, args, device):
        found = self._of("default_variant", args)(args, device)
        if found is None:
            raise LibraryError(self._c.flashcore_last_error().decode())
        return found.decode()

    def load_tuned_table(self, path):
        self._check(self._c.flashcore_load_tuned_table(str(path).encode()))

    def choose_variant(self, args, device):
        """What "auto" means: (id, why)."""
        reason = ctypes.c_char_p()
        found = self._of("choose_variant", args)(args, device, reason)
        if found is None:
            raise LibraryError(self._c.flashcore_last_error().decode())
        return found.decode(), reason.value.decode()

    def unsupported(self, variant_id, args, device):
        """The reason, or None. A null or "auto" id asks for the default variant."""
        reason = self._of("unsupported", args)(variant_id and variant_id.encode(), args, device)
        return reason and reason.decode()

    def workspace_bytes(self, variant_id, args, device):
        needed = ctypes.c_size_t()
        self._check(self._of("workspace_bytes", args)(variant_id.encode(), args, device, needed))
        return needed.value

    def resources(self, variant_id, args, device):
        resources = Resources() if not isinstance(args, AttentionV2) else ResourcesV2(ctypes.sizeof(ResourcesV2))
        self._check(self._of("query_resources", args)(variant_id.encode(), args, device, resources))
        return resources

    def launch(self, variant_id, args, device, stream=None):
        self._check(self._of("launch", args)(variant_id and variant_id.encode(), args, device, stream))

    def load_plugin(self, path):
        self._check(self._c.flashcore_load_plugin(str(path).encode()))

    def capabilities(self, variant_id):
        bits = ctypes.c_uint64()
        self._check(self._c.flashcore_variant_capabilities(variant_id.encode(), bits))
        return bits.value

    def plan_bytes(self, variant_id, args, device):
        needed = ctypes.c_size_t()
        self._check(self._c.flashcore_plan_bytes(variant_id.encode(), args, device, needed))
        return needed.value

    def plan(self, variant_id, args, device, stream=None):
        self._check(self._c.flashcore_plan(variant_id and variant_id.encode(), args, device, stream))

    def merge(self, args, device):
        self._check(self._c.flashcore_merge(args, device, None))
