"""The C interface: wrong arguments are a status with a text, whatever they are."""

import ctypes
import os
import random
import unittest

import hostile  # noqa: F401, sets the path of the modules below
from library import HOST, Attention, AttentionV2, Library, Strides

VARIANT = b"cpu_scalar/fp16_d64"
ROWS, HEADS, HEAD_DIM = 4, 2, 64


@unittest.skipIf(os.environ.get("FLASHCORE_SANITIZERS"), "a Python without the sanitizer cannot load a library that has it")
class Arguments(unittest.TestCase):
    def setUp(self):
        self.c = Library(os.environ["FLASHCORE_LIBRARY"])._c
        self.buffer = (ctypes.c_uint16 * (HEADS * ROWS * HEAD_DIM + 64))()
        self.args = Attention()
        self.c.flashcore_attention_init(ctypes.byref(self.args))
        for name in ("batch", "heads_q", "heads_kv", "seq_q", "seq_kv", "head_dim"):
            setattr(self.args, name, {"batch": 1, "head_dim": HEAD_DIM}.get(name, HEADS if "heads" in name else ROWS))
        for name in ("q", "k", "v", "out"):
            setattr(self.args, name, ctypes.addressof(self.buffer))
            setattr(self.args, f"{name}_stride", Strides(HEADS * ROWS * HEAD_DIM, ROWS * HEAD_DIM, HEAD_DIM))
        self.args.scale = 1

    def reason(self, variant=VARIANT):
        text = self.c.flashcore_unsupported(variant, ctypes.byref(self.args), HOST)
        return text and text.decode()

    def test_null_arguments(self):
        size = ctypes.c_size_t()
        self.c.flashcore_attention_init(None)
        for variant in (VARIANT, None, b"auto"):
            self.assertNotEqual(self.c.flashcore_workspace_bytes(variant, None, HOST, ctypes.byref(size)), 0)
            self.assertEqual(self.c.flashcore_last_error(), b"args: is null")
            self.assertNotEqual(self.c.flashcore_launch(variant, None, HOST, None), 0)
            self.assertIsNotNone(self.c.flashcore_unsupported(variant, None, HOST))

    def test_strides_that_overflow(self):
        for name in ("q", "k", "v", "out"):
            for strides in (Strides(1, 2**62, 64), Strides(1, 256, 2**62), Strides(2**63 - 1, 2**63 - 1, 2**63 - 1)):
                self.setUp()
                setattr(self.args, f"{name}_stride", strides)
                self.assertIn(f"args/{name}_stride", self.reason() or "")

    def test_elements_of_out_that_share_memory(self):
        for strides in (Strides(0, 0, 0), Strides(512, 256, 63), Strides(512, 255, 64), Strides(512, 64, 64), Strides(512, 0, 64)):
            self.args.out_stride = strides
            self.assertIn("args/out_stride: two elements would share memory", self.reason() or "")
        for strides in (Strides(0, 256, 64), Strides(512, 64, 128), Strides(512, 320, 80)):
            self.args.out_stride = strides
            self.assertIsNone(self.reason())

    def test_keys_and_values_may_be_shared(self):
        self.args.k_stride = self.args.v_stride = Strides(0, 0, 0)
        self.assertIsNone(self.reason())
        self.assertEqual(self.c.flashcore_launch(VARIANT, ctypes.byref(self.args), HOST, None), 0)

    def test_pointers_that_are_not_aligned(self):
        for name in ("q", "k", "v", "out", "lse", "q_descale"):
            self.setUp()
            setattr(self.args, name, ctypes.addressof(self.buffer) + 1)
            self.assertIn(f"args/{name}: is not aligned", self.reason() or "")
            self.assertNotEqual(self.c.flashcore_launch(VARIANT, ctypes.byref(self.args), HOST, None), 0)

    def test_arguments_of_version_2_that_are_noise(self):
        args = AttentionV2()
        noise = random.Random(2)
        accepted = 0
        for _ in range(2000):
            self.c.flashcore_attention_v2_init(ctypes.byref(args), ctypes.sizeof(args))
            for name, kind in AttentionV2._fields_[1:]:
                if kind is ctypes.c_void_p or noise.random() < 0.7:
                    continue
                values = [noise.choice((-2**31, -1, 0, 1, 2, 64, 2**31 - 1)) for _ in range(3)]
                setattr(args, name, Strides(*values) if kind is Strides else values[0])
            accepted += self.c.flashcore_unsupported_v2(VARIANT, ctypes.byref(args), HOST) is None
            self.assertNotEqual(self.c.flashcore_launch_v2(VARIANT, ctypes.byref(args), HOST, None), 0)
            self.assertNotIn(b"\n", self.c.flashcore_last_error())
        self.assertLess(accepted, 2000)

    def test_an_id_of_ten_megabytes(self):
        for name in (b"x" * 10_000_000, VARIANT + b"_" * 10_000_000):
            self.assertIn("does not exist", self.reason(name))
            self.assertLess(len(self.c.flashcore_last_error()), 1000)


if __name__ == "__main__":
    unittest.main()
