"""Version 2 of the arguments through ctypes, on the CPU: ragged batches, paged caches, sinks, plug-ins of both versions."""

import ctypes
import math
import os
import struct
import unittest

from library import DTYPES, HOST, AttentionV2, Library, LibraryError, MergeArgs, MergePart, Strides
from ragged import POISON, Ragged, address, bf16, from_bf16, int32s
from test_library import Problem

SCALAR = "cpu_scalar/bf16_d64"
PLUGIN = "ragged/bf16_d64"
OLD = "example/bf16_d64_kv32"
UNTOUCHED = struct.unpack("<f", b"\x55" * 4)[0]


class V2Test(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.library = Library(os.environ["FLASHCORE_LIBRARY"])
        loaded = {variant.family for variant in cls.library.variants()}
        for family, name in (("ragged", "FLASHCORE_RAGGED_PLUGIN"), ("example", "FLASHCORE_VERSION1_PLUGIN")):
            if family not in loaded:
                cls.library.load_plugin(os.environ[name])

    def ragged(self, **changes):
        return Ragged(self.library, **changes)

    def assert_says(self, part, call, *arguments):
        with self.assertRaises(LibraryError) as caught:
            call(*arguments)
        self.assertIn(part, str(caught.exception))
        self.assertNotIn("\n", str(caught.exception))


class Problems(V2Test):
    def assert_right(self, problem, out, lse):
        """Every used row, and nothing else, was written."""
        written = set()
        for sequence, query, head, first in problem.queries():
            wanted, wanted_lse = problem.expected_row(sequence, query, head, first)
            for column, value in enumerate(wanted):
                self.assertAlmostEqual(from_bf16(out[first + column]), value, delta=0.02, msg=(sequence, query, head))
                written.add(first + column)
            row = problem.cu_seqlens_q[sequence] + query
            self.assertAlmostEqual(lse[head * problem.total_q + row], wanted_lse, delta=1e-3)
            lse[head * problem.total_q + row] = UNTOUCHED
        self.assertEqual({out[i] for i in range(len(out)) if i not in written}, {POISON})
        self.assertEqual(set(lse), {UNTOUCHED})

    def test_plugin_and_families_are_right(self):
        for changes in ({}, {"sinks": True}, {"page_size": 4}, {"page_size": 4, "hnd": True}, {"page_size": 1, "sinks": True},
                        {"page_size": 4, "sinks": True, "window_left": 2}, {"window_right": -1}):
            problem = self.ragged(**changes)
            for variant in (SCALAR, PLUGIN, "cpu_fused/bf16_d64_q16_kv64"):
                with self.subTest(variant=variant, **changes):
                    self.assert_right(problem, *problem.launch(self.library, variant))

    def test_lengths_change_between_launches(self):
        problem = self.ragged(page_size=4, sinks=True)
        problem.launch(self.library, PLUGIN)
        problem.lengths = (2, 1, 0, 5), (7, 4, 0, 1)
        problem.cu_seqlens_q[:] = [0, 2, 3, 3, 8]
        problem.seqused_k[:] = problem.lengths[1]
        for variant in (SCALAR, PLUGIN):
            self.assert_right(problem, *problem.launch(self.library, variant))

    def test_used_rows_of_sequences(self):
        problem = self.ragged()
        used_q, used_k = int32s([4, 0, 1, 2]), int32s([6, 4, 0, 3])
        problem.args.seqused_q, problem.args.seqused_k = address(used_q), address(used_k)
        problem.lengths = tuple(used_q), tuple(used_k)
        for variant in (SCALAR, PLUGIN):
            self.assert_right(problem, *problem.launch(self.library, variant))

    def test_layout_and_base_of_the_log_sum_exp(self):
        problem = self.ragged(page_size=4, sinks=True)
        plain = problem.launch(self.library, SCALAR)[1]
        heads, rows = problem.heads[0], problem.total_q
        problem.args.lse_base, problem.args.lse_stride = 1, Strides(77, 1, heads)
        for variant in (SCALAR, PLUGIN, "cpu_fused/bf16_d64_q16_kv64"):
            with self.subTest(variant):
                lse = problem.launch(self.library, variant)[1]
                for head, row in ((head, row) for head in range(heads) for row in range(rows)):
                    got, wanted = lse[row * heads + head], plain[head * rows + row]
                    if wanted == UNTOUCHED:
                        self.assertEqual(got, wanted)
                    else:
                        self.assertAlmostEqual(got, wanted * math.log2(math.e), delta=1e-3)
        self.assertIn("log-sum-exp", self.library.unsupported(OLD, self.rectangle(lse_base=1), HOST))

    def rectangle(self, dtype="bf16", **members):
        """The problem of version 1 that test_library.py has, as version 2 states it."""
        self.kept = old = Problem(self.library)
        args = self.library.new_args_v2()
        for name in ("q", "k", "v", "out", "lse", "q_stride", "k_stride", "v_stride", "out_stride", "batch", "heads_q",
                     "heads_kv", "head_dim", "scale", "window_right"):
            setattr(args, name, getattr(old.args, name))
        args.dtype, args.max_seqlen_q, args.max_seqlen_k = DTYPES.index(dtype), old.args.seq_q, old.args.seq_kv
        for name, value in members.items():
            setattr(args, name, value)
        return args

    def test_rectangles_are_those_of_version_1(self):
        args = self.rectangle("fp16")
        self.library.launch("cpu_scalar/fp16_d64", args, HOST)
        new = list(self.kept.out), list(self.kept.lse)
        self.library.launch("cpu_scalar/fp16_d64", self.kept.args, HOST)
        self.assertEqual((list(self.kept.out), list(self.kept.lse)), new)
        self.assertEqual(self.library.default_variant(args, HOST), self.library.default_variant(self.kept.args, HOST))
        self.assertEqual(self.library.choose_variant(args, HOST), self.library.choose_variant(self.kept.args, HOST))
        self.assertEqual(self.library.workspace_bytes(None or "auto", args, HOST), 0)
        self.assertEqual(self.library.resources("auto", args, HOST).registers, 0)

    def test_v_may_be_narrower_than_k(self):
        outs = []
        for variant in (SCALAR, PLUGIN):
            args = self.rectangle(head_dim_v=32)
            self.kept.out[:] = [POISON] * len(self.kept.out)
            self.library.launch(variant, args, HOST)
            outs.append(list(self.kept.out))
        for i, (wanted, got) in enumerate(zip(*outs)):
            self.assertEqual(wanted == POISON, i % 64 >= 32)
            if wanted == POISON:
                self.assertEqual(got, POISON)
            else:
                self.assertAlmostEqual(from_bf16(got), from_bf16(wanted), delta=0.01 * max(1, abs(from_bf16(wanted))))

    def test_a_plugin_of_version_1_runs_rectangles_and_refuses_the_rest(self):
        outs = []
        for variant in (OLD, SCALAR):
            args = self.rectangle()
            self.library.launch(variant, args, HOST)
            outs.append([from_bf16(bits) for bits in self.kept.out])
        for got, wanted in zip(*outs):
            self.assertAlmostEqual(got, wanted, delta=0.01 * max(1, abs(wanted)))
        for changes, field in (({}, "lengths = 4q5s9"), ({"page_size": 4}, "lengths"), ({"sinks": True}, "lengths")):
            self.assert_says(f"{OLD}: the family does not support {field}", self.library.launch, OLD,
                             self.ragged(**changes).args, HOST)

    def test_variants_say_what_they_can_run(self):
        old, plugin, scalar = (self.library.capabilities(variant) for variant in (OLD, PLUGIN, SCALAR))
        self.assertEqual(old, 0b1_0000_0000_1111)
        self.assertEqual(plugin, 0b1_0001_1111_1111)
        self.assertEqual(scalar, 0b1_0111_1111_1111)
        self.assert_says("did you mean", self.library.capabilities, "cpu_scaler/bf16_d64")

    def test_what_a_variant_does_not_declare_is_refused(self):
        bits = (ctypes.c_uint32 * 64)()
        for members, reason in (({"kv_dtype": DTYPES.index("e4m3")}, "kv_dtype = e4m3"), ({"mask": 1, "chunk": 4}, "mask = chunk"),
                                ({"mask": 2, "mask_bits": address(bits)}, "mask = bits")):
            self.assertIn(reason, self.library.unsupported(PLUGIN, self.ragged(**members).args, HOST))
        self.assertIsNone(self.library.unsupported(SCALAR, self.ragged(mask=1, chunk=4).args, HOST))
        self.assertIn("mask = bits", self.library.unsupported(SCALAR, self.ragged(mask=2).args, HOST))

    def test_plans(self):
        problem = self.ragged()
        self.assertEqual(self.library.plan_bytes(SCALAR, problem.args, HOST), 0)
        self.library.plan(SCALAR, problem.args, HOST)
        self.library.plan(None, problem.args, HOST)
        problem.cu_seqlens_q[4] = 99
        self.assert_says("args/cu_seqlens_q", self.library.plan, SCALAR, problem.args, HOST)

    def test_a_plan_of_the_caller_reaches_the_launch(self):
        if "table" not in {variant.family for variant in self.library.variants()}:
            self.library.load_plugin(os.environ["FLASHCORE_TABLE_PLUGIN"])
        variant, args = "table/fp16_d64_kv4", self.rectangle("fp16", max_seqlen_k=1, window_right=-1, lse=None)
        self.assertEqual(self.library.plan_bytes(variant, args, HOST), 8)
        self.assert_says(f"args/plan: is null, but {variant} needs 8 bytes; flashcore_plan() fills them in",
                         self.library.launch, variant, args, HOST)
        self.assert_says("args/plan: is null", self.library.plan, variant, args, HOST)
        buffer = (ctypes.c_uint8 * 520)()
        args.plan = -(-address(buffer) // 256) * 256 + 8
        self.assert_says("args/plan: is not aligned to 256 bytes", self.library.plan, variant, args, HOST)
        args.plan -= 8
        self.assert_says("launching table", self.library.launch, variant, args, HOST)  # it has no plan yet
        tensors = args.q, args.k, args.v, args.out
        args.q = args.k = args.v = args.out = None
        self.library.plan(variant, args, HOST)
        args.q, args.k, args.v, args.out = tensors
        self.library.launch(variant, args, HOST)
        self.assertEqual(list(self.kept.out[:64]), list(self.kept.v[:64]))


class Arguments(V2Test):
    def test_members_with_wrong_values(self):
        for field, value in {"struct_size": 40, "dtype": 3, "kv_dtype": 3, "out_dtype": 7, "lse_base": 2, "mask": 3, "batch": 0,
                             "heads_kv": 3, "head_dim": 0, "head_dim_v": -1, "max_seqlen_q": 0, "max_seqlen_k": -1,
                             "total_q": -1, "total_k": 2**31, "page_size": -1, "window_left": -2, "chunk": 3,
                             "softcap": -1.0, "scale": math.nan, "q": None, "k": None, "v": None, "out": None,
                             "q_stride": Strides(0, -1, 64), "k_stride": Strides(0, 64, 2**62), "v_stride": Strides(0, -1, 1),
                             "out_stride": Strides(0, 64, 128), "lse_stride": Strides(0, 1, 1), "lse": 2, "out_": 1,
                             "cu_seqlens_q": None, "cu_seqlens_k": 2, "seqused_q": 2, "seqused_k": 2, "sinks": 2,
                             "k_descale": 2, "page_table": 4, "mask_bits": 4}.items():
            with self.subTest(field):
                problem = self.ragged()
                setattr(problem.args, field.rstrip("_"), value)
                named = {"heads_kv": "heads_q"}.get(field, field.rstrip("_"))
                self.assert_says(f"args/{named}: ", self.library.launch, SCALAR, problem.args, HOST)
                if value is not None and not field.endswith("_"):
                    self.assertIn(f"args/{named}: ", self.library.unsupported(SCALAR, problem.args, HOST))

    def test_members_of_pages_with_wrong_values(self):
        for field, value in {"page_table": None, "page_table_stride": -1, "num_pages": 0, "total_k": 5, "batch": 2**21}.items():
            with self.subTest(field):
                problem = self.ragged(page_size=4)
                setattr(problem.args, field, value)
                self.assert_says(f"args/{field}: ", self.library.launch, SCALAR, problem.args, HOST)

    def test_arrays_without_their_size(self):
        for field, size in (("cu_seqlens_q", "total_q"), ("cu_seqlens_k", "total_k"), ("page_table", "page_size")):
            problem = self.ragged(page_size=0 if field == "cu_seqlens_k" else 4)
            setattr(problem.args, size, 0)
            self.assert_says(f"args/{field}: is set, but {size} is 0", self.library.launch, SCALAR, problem.args, HOST)

    def test_null_arguments(self):
        none = ctypes.POINTER(AttentionV2)()
        self.library._c.flashcore_attention_v2_init(None, 400)
        self.assertEqual(self.library._c.flashcore_launch_v2(None, none, HOST, None), 1)
        self.assertEqual(self.library._c.flashcore_last_error(), b"args: is null")
        self.assertEqual(self.library._c.flashcore_plan(None, none, HOST, None), 1)

    def test_outputs_do_not_overlap(self):
        problem = self.ragged()
        problem.args.lse = address(problem.out, 64)
        self.assert_says("args/lse: overlaps out", self.library.launch, SCALAR, problem.args, HOST)

    def test_queries_need_no_tensors(self):
        problem = self.ragged(page_size=4)
        for name in ("q", "k", "v", "out", "cu_seqlens_q", "page_table"):
            setattr(problem.args, name, None)
        self.assertIsNone(self.library.unsupported(PLUGIN, problem.args, HOST))
        self.assertIn("lengths", self.library.unsupported(OLD, problem.args, HOST))
        self.assertEqual(self.library.workspace_bytes(SCALAR, problem.args, HOST), 0)

    def test_lengths_on_the_host_are_within_their_maxima(self):
        spoiled = [("cu_seqlens_q", [1, 5, 5, 6, 9], "[0] is 1"), ("cu_seqlens_q", [0, 5, 4, 6, 9], "less than the entry before"),
                   ("cu_seqlens_q", [0, 6, 6, 6, 9], "sequence 0 has 6 rows, max_seqlen_q is 5"),
                   ("cu_seqlens_q", [0, 5, 5, 8, 13], "[4] is 13, but total_q is 12"),
                   ("seqused_k", [9, -1, 0, 3], "[1] is -1"), ("seqused_k", [10, 4, 0, 3], "has 10 rows, max_seqlen_k is 9"),
                   ("page_table", [0, 1, 500], "entry 2 of sequence 0 is 500, but num_pages is 7"),
                   ("page_table", [-1], "entry 0 of sequence 0 is -1")]
        for field, values, reason in spoiled:
            with self.subTest(field, reason=reason):
                problem = self.ragged(page_size=4)
                getattr(problem, field)[:len(values)] = values
                with self.assertRaisesRegex(LibraryError, f"args/{field}: "):
                    self.library.launch(SCALAR, problem.args, HOST)
                self.assert_says(reason, self.library.launch, SCALAR, problem.args, HOST)
                self.assertIsNone(self.library.unsupported(SCALAR, problem.args, HOST))  # it reads no arrays

    def test_structs_of_other_versions(self):
        class Later(ctypes.Structure):
            _fields_ = [("known", AttentionV2), ("later", ctypes.c_int64)]

        for later, right in ((0, True), (1, False)):
            problem, args = self.ragged(), Later()
            ctypes.memmove(ctypes.byref(args), ctypes.byref(problem.args), ctypes.sizeof(AttentionV2))
            args.known.struct_size, args.later = ctypes.sizeof(Later), later
            status = self.library._c.flashcore_launch_v2(SCALAR.encode(), ctypes.byref(args.known), HOST, None)
            self.assertEqual(status == 0, right)
        self.assertIn(b"args/struct_size: ", self.library._c.flashcore_last_error())
        args = Later(later=-1)
        self.library._c.flashcore_attention_v2_init(ctypes.byref(args.known), ctypes.sizeof(Later))
        self.assertEqual((args.known.struct_size, args.known.window_left, args.later), (ctypes.sizeof(Later), -1, 0))


class Merge(V2Test):
    """Parts of one row with two heads and a head_dim of 3."""

    HEADS, DIM = 2, 3

    def parts(self, *values, base=0):
        """(out, lse) of each part; lse natural."""
        unit = math.log(2) if base else 1
        self.kept = [((ctypes.c_float * 6)(*out), (ctypes.c_float * 2)(*[x / unit for x in lse])) for out, lse in values]
        self.array = (MergePart * len(values))(*[MergePart(address(out), address(lse), Strides(6, 3, 3), Strides())
                                                 for out, lse in self.kept])
        self.out, self.lse = (ctypes.c_float * 6)(*[9] * 6), (ctypes.c_float * 2)(9, 9)
        return MergeArgs(ctypes.sizeof(MergeArgs), 3, 3, base, 1, 2, 1, 3, len(values), self.array, address(self.out),
                         address(self.lse), Strides(6, 3, 3), Strides())

    def test_joins_parts_and_leaves_out_empty_ones(self):
        a, b = [1, 2, 3, 4, 5, 6], [-1, 0, 1, 2, 3, 4]
        nothing = [math.nan] * 6
        for base in (0, 1):
            args = self.parts((a, (0.5, 100)), (b, (1.5, 101)), (nothing, (-math.inf, -math.inf)), base=base)
            self.library.merge(args, HOST)
            weight = 1 / (1 + math.e)
            for got, x, y in zip(self.out, a, b):
                self.assertAlmostEqual(got, weight * x + (1 - weight) * y, delta=1e-4)
            unit = math.log(2) if base else 1
            for got, highest in zip(self.lse, (1.5, 101)):
                self.assertAlmostEqual(got * unit, highest + math.log(1 + math.exp(-1)), delta=1e-4)

    def test_rows_without_a_key(self):
        self.library.merge(self.parts(([math.nan] * 6, (-math.inf, 0)), ([math.nan] * 6, (-math.inf, -math.inf))), HOST)
        self.assertEqual((list(self.out[:3]), self.lse[0]), ([0, 0, 0], -math.inf))
        self.assertTrue(math.isnan(self.out[3]))  # its part is not empty

    def test_other_dtypes_and_in_place(self):
        args = self.parts(([1] * 6, (0, 0)), ([3] * 6, (0, 0)))
        narrow = (ctypes.c_uint16 * 6)()
        args.out_dtype, args.out, args.lse = DTYPES.index("bf16"), address(narrow), None
        self.library.merge(args, HOST)
        self.assertEqual(set(narrow), {bf16(2)})
        args = self.parts(([1] * 6, (0, 0)), ([3] * 6, (0, 0)))
        args.out, args.lse = address(self.kept[1][0]), address(self.kept[1][1])
        self.library.merge(args, HOST)
        self.assertEqual(list(self.kept[1][0]), [2] * 6)
        self.assertAlmostEqual(self.kept[1][1][0], math.log(2), delta=1e-6)

    def test_halves_of_the_keys_join_to_attention_over_all(self):
        whole = self.ragged(q=(3,), kv=(8,), sinks=True, window_right=-1)
        wanted, wanted_lse = whole.launch(self.library, SCALAR)
        parts = []
        for first in (0, 1):
            half = self.ragged(q=(3,), kv=(8,), sinks=first == 0, window_right=-1)
            used = int32s([3 if first == 0 else 8])
            cu = int32s([0, 3] if first == 0 else [0, 5])
            half.args.cu_seqlens_k, half.args.max_seqlen_k = address(cu), 8
            if first:
                skipped = 3 * half.args.k_stride.row
                half.args.k, half.args.v = address(half.k, skipped), address(half.v, skipped)
                half.args.total_k -= 3
            half.launch(self.library, SCALAR)
            parts.append((half, used))
        rows = whole.total_q - 3
        array = (MergePart * 2)(*[MergePart(half.args.out, half.args.lse, half.args.out_stride,
                                            Strides(0, whole.total_q, 1)) for half, _ in parts])
        out, lse = (ctypes.c_uint16 * len(wanted))(*[POISON] * len(wanted)), (ctypes.c_float * len(wanted_lse))()
        self.library.merge(MergeArgs(ctypes.sizeof(MergeArgs), 1, 1, 0, 1, 4, rows, 64, 2, array, address(out), address(lse),
                                     whole.args.out_stride, Strides(0, whole.total_q, 1)), HOST)
        for got, value in zip(out, wanted):
            if value != POISON:
                self.assertAlmostEqual(from_bf16(got), from_bf16(value), delta=0.03)
        for head in range(4):
            self.assertAlmostEqual(lse[head * whole.total_q], wanted_lse[head * whole.total_q], delta=1e-3)

    def test_bad_arguments_name_the_field(self):
        def spoil(field, value):
            args = self.parts(([1] * 6, (0, 0)), ([3] * 6, (0, 0)))
            target = self.array[1] if field.startswith("parts[1]") else args
            setattr(target, field.rpartition("/")[2], value)
            return args

        for field, value in {"struct_size": 8, "part_dtype": 2, "out_dtype": 4, "lse_base": 5, "batch": 0, "heads": -1, "rows": 0,
                             "head_dim": 0, "num_parts": 0, "parts": None, "out": None, "out_stride": Strides(0, 1, 3),
                             "lse_stride": Strides(0, 0, 1), "parts[1]/out": None, "parts[1]/lse": None,
                             "parts[1]/out_stride": Strides(0, -1, 3), "parts[1]/lse_stride": Strides(0, 0, -5)}.items():
            with self.subTest(field):
                self.assert_says(f"args/{field}: ", self.library.merge, spoil(field, value), HOST)
        self.assert_says("merges on the CPU only", self.library.merge, self.parts(([1] * 6, (0, 0))), 0)


if __name__ == "__main__":
    unittest.main()
