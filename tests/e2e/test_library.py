"""libflashcore through ctypes, on the CPU."""

import ctypes
import json
import math
import os
import pathlib
import struct
import subprocess
import tempfile
import threading
import unittest

from bench import SOURCE, BenchTest, run
from library import DTYPES, HOST, Library, LibraryError

LIBRARY = os.environ["FLASHCORE_LIBRARY"]
HEADER = SOURCE / "src" / "capi" / "flashcore.h"
HEADERS = sorted(HEADER.parent.glob("*.h"))
VARIANT = "cpu_scalar/fp16_d64"


def halves(values):
    return (ctypes.c_uint16 * len(values))(*[struct.unpack("<H", struct.pack("<e", value))[0] for value in values])


def from_half(bits):
    return struct.unpack("<e", struct.pack("<H", bits))[0]


class Problem:
    """A causal problem with two heads over one KV head, 3 queries and 5 keys, and its buffers."""

    def __init__(self, library, heads_q=2, seq_q=3, seq_kv=5, head_dim=64):
        self.sizes = heads_q, seq_q, seq_kv, head_dim
        wave = [math.sin(0.37 * i) for i in range(heads_q * max(seq_q, seq_kv) * head_dim)]
        self.q = halves(wave[:heads_q * seq_q * head_dim])
        self.k = halves(wave[7:7 + seq_kv * head_dim])
        self.v = halves(wave[11:11 + seq_kv * head_dim])
        self.out = halves([9.0] * (heads_q * seq_q * head_dim))
        self.lse = (ctypes.c_float * (heads_q * seq_q))()
        self.args = args = library.new_args()
        for name in ("q", "k", "v", "out", "lse"):
            setattr(args, name, ctypes.cast(getattr(self, name), ctypes.c_void_p))
        for name, rows in (("q", seq_q), ("k", seq_kv), ("v", seq_kv), ("out", seq_q)):
            stride = getattr(args, name + "_stride")
            stride.row, stride.head, stride.batch = head_dim, rows * head_dim, heads_q * rows * head_dim
        args.batch, args.heads_q, args.heads_kv, args.head_dim = 1, heads_q, 1, head_dim
        args.seq_q, args.seq_kv, args.window_right, args.scale = seq_q, seq_kv, 0, 0.125

    def expected(self):
        """The output and the log-sum-exp in double precision."""
        heads_q, seq_q, seq_kv, head_dim = self.sizes
        q, k, v = ([from_half(bits) for bits in tensor] for tensor in (self.q, self.k, self.v))
        out, lse = [], []
        for row in range(heads_q * seq_q):
            seen = row % seq_q + seq_kv - seq_q + 1
            scores = [0.125 * sum(q[row * head_dim + d] * k[key * head_dim + d] for d in range(head_dim))
                      for key in range(seen)]
            total = sum(math.exp(score) for score in scores)
            lse.append(math.log(total))
            out += [sum(math.exp(scores[key]) / total * v[key * head_dim + d] for key in range(seen))
                    for d in range(head_dim)]
        return out, lse


class LibraryTest(BenchTest):
    @classmethod
    def setUpClass(cls):
        cls.library = Library(LIBRARY)

    def setUp(self):
        self.problem = Problem(self.library)

    def assert_says(self, part, call, *arguments):
        with self.assertRaises(LibraryError) as caught:
            call(*arguments)
        self.assertIn(part, str(caught.exception))
        self.assertNotIn("\n", str(caught.exception))

    def test_version_is_the_programs(self):
        self.assertIn(self.library.version(), self.assert_ok(run("--version")))

    def test_exports_the_header_and_nothing_else(self):
        symbols = subprocess.run(["nm", "-D", "--defined-only", LIBRARY], capture_output=True, text=True, check=True)
        exported = {line.split()[-1].split("@")[0] for line in symbols.stdout.splitlines()}
        declared = {line.split("(")[0].split()[-1].lstrip("*") for header in HEADERS
                    for line in header.read_text().splitlines() if line.startswith("FLASHCORE_API")}
        self.assertEqual(exported, declared)

    def test_lists_what_the_program_lists(self):
        listed = json.loads(self.assert_ok(run("list", "--json")))
        variants = self.library.variants()
        self.assertEqual([variant.id for variant in variants], [entry["id"] for entry in listed])
        for variant, entry in zip(variants, listed):
            self.assertEqual(variant.family, entry["family"])
            self.assertEqual(variant.backend, entry["backend"])
            self.assertEqual(variant.spec, {key: value for key, value in entry["spec"].items() if value != 0})

    def test_environment_equals_the_programs(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assert_ok(run("--device", "cpu", "--problem", "seq_q=16,head_dim=64", "--variants", VARIANT,
                               "--check-only", "--format", "json", "--output", f"{folder}/r.json"))
            of_program = json.loads(pathlib.Path(folder, "r.json").read_text())["environment"]
        of_library = self.library.environment(HOST)
        for key in ("time", "command_line", "config_hash"):
            of_program.pop(key)
            of_library.pop(key, None)
        self.assertEqual(of_library, of_program)
        with self.assertRaisesRegex(LibraryError, "device: "):
            self.library.environment(99)

    def test_an_error_is_one_line_even_with_a_newline_in_a_path(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "two\nlines.json")
            path.write_text("[]")
            with self.assertRaises(LibraryError) as caught:
                self.library.load_tuned_table(str(path))
        self.assertIn("two lines.json", str(caught.exception))

    def test_computes_attention(self):
        expected_out, expected_lse = self.problem.expected()
        for variant in ("cpu_scalar/fp16_d64", None, "auto"):
            self.problem.out[:] = [0x7C00] * len(self.problem.out)
            self.library.launch(variant, self.problem.args, HOST)
            for got, want in zip(self.problem.out, expected_out):
                self.assertAlmostEqual(from_half(got), want, delta=2e-3)
            for got, want in zip(self.problem.lse, expected_lse):
                self.assertAlmostEqual(got, want, delta=1e-4)

    def test_default_is_the_last_family_that_can_run(self):
        cpu = [variant for variant in self.library.variants()
               if variant.backend == "cpu" and variant.spec["dtype"] == "fp16" and variant.spec["head_dim"] == 64]
        first_of_last = next(variant for variant in cpu if variant.family == cpu[-1].family)
        self.assertEqual(self.library.default_variant(self.problem.args, HOST), first_of_last.id)

    def test_auto_uses_the_tuned_table(self):
        args = self.problem.args
        default = self.library.default_variant(args, HOST)
        self.assertEqual(self.library.choose_variant(args, HOST), (default, "auto: default, no tuned entry applies"))
        self.assertNotEqual(default, VARIANT)
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "tuned.json")
            # The problem of this test, tuned with one candidate.
            self.assert_ok(run("tune", "--device", "cpu", "--variants", VARIANT, "--output", path, "--budget", "0.1",
                               "--problem", "heads_q=2,heads_kv=1,seq_q=3,seq_kv=5,causal=true,lse=true",
                               OMP_NUM_THREADS=1))
            self.library.load_tuned_table(path)
            self.assertEqual(self.library.choose_variant(args, HOST), (VARIANT, f"auto: exact, {path}"))
            path.write_text('{"schema_version": 1, "tuned_table": []}')
            self.library.load_tuned_table(path)
            self.assert_says("cannot be opened", self.library.load_tuned_table, path.with_name("none"))
        self.assertEqual(self.library.choose_variant(args, HOST)[0], default)

    def test_elements_of_eight_bits(self):
        args = self.problem.args
        ones = (ctypes.c_uint8 * len(self.problem.q))(*[0x38] * len(self.problem.q))
        factors = {"q": 0.5, "k": 0.125, "v": 0.25}
        descale = {name: (ctypes.c_float * 1)(factor) for name, factor in factors.items()}
        for name in factors:
            setattr(args, name, ctypes.cast(ones, ctypes.c_void_p))
            setattr(args, f"{name}_descale", ctypes.cast(descale[name], ctypes.c_void_p))
        args.dtype = DTYPES.index("e4m3")
        for out_dtype, quarter in ((-1, 0x3E80), (DTYPES.index("bf16"), 0x3E80), (DTYPES.index("fp16"), 0x3400)):
            args.out_dtype = out_dtype
            self.library.launch("cpu_scalar/e4m3_d64", args, HOST)
            self.assertEqual(set(self.problem.out), {quarter})
            self.assertAlmostEqual(self.problem.lse[0], math.log(3) + 0.125 * 64 * 0.5 * 0.125, delta=1e-5)
        args.out_dtype = DTYPES.index("e4m3")
        self.assert_says("args/out_dtype", self.library.launch, None, args, HOST)

    def test_no_variant_for_an_unusual_head_dim(self):
        self.problem.args.head_dim = 40
        self.assert_says("no variant can run these arguments (head_dim 40, fp16)", self.library.launch, None,
                         self.problem.args, HOST)

    def test_reasons(self):
        args = self.problem.args
        self.assertIsNone(self.library.unsupported(VARIANT, args, HOST))
        self.assertIn("another dtype", self.library.unsupported("cpu_scalar/bf16_d64", args, HOST))
        self.assertIn("another head_dim", self.library.unsupported("cpu_scalar/fp16_d128", args, HOST))
        self.assertIn("did you mean cpu_scalar/fp16_d64?", self.library.unsupported("cpu_scaler/fp16_d64", args, HOST))

    def test_bad_arguments_name_the_field(self):
        spoiled = {"batch": 0, "heads_q": -3, "seq_kv": 0, "dtype": 5, "out_dtype": 1, "window_left": -2, "softcap": -1.0,
                   "scale": math.nan, "heads_kv": 3, "q": None, "out": None}
        for field, value in spoiled.items():
            with self.subTest(field):
                problem = Problem(self.library)
                setattr(problem.args, field, value)
                named = "heads_q" if field == "heads_kv" else field
                self.assert_says(f"args/{named}", self.library.launch, VARIANT, problem.args, HOST)
        self.problem.args.k_stride.row = -1
        self.assert_says("args/k_stride", self.library.launch, VARIANT, self.problem.args, HOST)
        self.assert_says("args: is null", self.library.launch, VARIANT, None, HOST)

    def test_queries_need_no_pointers(self):
        self.problem.args.q = self.problem.args.out = None
        self.assertEqual(self.library.workspace_bytes(VARIANT, self.problem.args, HOST), 0)
        self.assertEqual(self.library.resources(VARIANT, self.problem.args, HOST).registers, 0)

    def test_missing_device(self):
        self.assert_says("device", self.library.launch, None, self.problem.args, 999)
        self.assertIn("runs on the CPU", self.library.unsupported(VARIANT, self.problem.args, 0))

    def test_error_texts_belong_to_their_thread(self):
        self.assertIsNotNone(self.library.unsupported("nothing/fp16", self.problem.args, HOST))
        texts = []
        thread = threading.Thread(target=lambda: texts.append(self.library._c.flashcore_last_error()))
        thread.start()
        thread.join()
        self.assertEqual(texts, [b""])

    def test_plugins(self):
        self.assert_says("cannot be loaded", self.library.load_plugin, "./no_such.so")
        before = self.library.find(VARIANT)
        self.library.load_plugin(os.environ["FLASHCORE_EXAMPLE_PLUGIN"])
        self.assertEqual(self.library.find("example/bf16_d64_kv32").family, "example")
        self.assertEqual(self.library.find(VARIANT), before)
        self.assert_says("family example already exists", self.library.load_plugin,
                         os.environ["FLASHCORE_EXAMPLE_PLUGIN"])

    def test_missing_library(self):
        self.assert_says("/nowhere/libflashcore.so", Library, "/nowhere/libflashcore.so")


class Header(unittest.TestCase):
    def test_is_plain_c11_and_cxx(self):
        for language, standard in (("c", "-std=c11"), ("c++", "-std=c++11")):
            with self.subTest(language):
                result = subprocess.run(["cc", "-x", language, standard, "-pedantic-errors", "-Wall", "-Werror",
                                         "-fsyntax-only", str(HEADER)], capture_output=True, text=True, check=False)
                self.assertEqual(result.returncode, 0, result.stderr)


if __name__ == "__main__":
    unittest.main()
