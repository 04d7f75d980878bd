"""Python kernels for ragged batches, paged caches and sinks, in NumPy: checked, planned, diagnosed and timed."""

import os
import sys
import unittest

from bench import BenchTest

PACKAGE = os.environ.get("FLASHCORE_PYTHON_DIR", "")
if PACKAGE:
    sys.path.insert(0, PACKAGE)
    import numpy_kernels
    import flashcore_bench as fc

SHAPE = {"heads": (4, 2), "head_dim": 64}
RAGGED = {**SHAPE, "lengths": {"q": [5, 0, 33], "kv": [9, 4, 40]}}
PAGED = {**SHAPE, "lengths": {"q": [5, 0, 33, 1], "kv": [9, 4, 40, 0]}, "kv": "paged:16", "sinks": True, "lse": True,
         "causal": True}


@unittest.skipUnless(PACKAGE, "the Python module was not built")
class SequencesTest(BenchTest):
    def kernel(self, function, **options):
        return fc.kernel(function, framework="numpy", **options)

    def test_right_kernels_pass_deep_checks(self):
        right = self.kernel(numpy_kernels.sequences)
        for problem in (fc.Problem(**PAGED), fc.Problem(**RAGGED, window=(20, 3)),
                        fc.Problem(**SHAPE, seq=(3, 50), batch=2, kv="paged:4")):
            found = fc.check(right, problem, depth="deep")
            self.assertTrue(found, found)
            self.assertGreater(found.cases, 20)

    def test_a_returned_output_ends_with_the_last_sequence(self):
        self.assertTrue(fc.check(self.kernel(numpy_kernels.sequences_returned), fc.Problem(**RAGGED), depth="deep"))

    def test_rows_of_a_neighbour_are_found(self):
        wrong = self.kernel(numpy_kernels.sequences_of_neighbours)
        self.assertEqual(fc.check(wrong, fc.Problem(**RAGGED)).status, "incorrect")
        self.assertFalse(fc.diagnose(wrong, fc.Problem(**RAGGED)).healthy)
        self.assertTrue(fc.diagnose(self.kernel(numpy_kernels.sequences), fc.Problem(**PAGED)).healthy)

    def test_arrays_have_the_shapes_of_the_ecosystem(self):
        shapes = {name: array.shape for name, array in fc.inputs(fc.Problem(**PAGED), framework="numpy").items()}
        rows, pages = shapes["q"][0], shapes["k"][0]
        self.assertGreaterEqual(rows, 39)
        self.assertEqual(shapes["q"], (rows, 4, 64))
        self.assertEqual((shapes["k"], shapes["v"]), ((pages, 16, 2, 64),) * 2)
        self.assertEqual((shapes["cu_seqlens_q"], shapes["seqused_k"], shapes["sinks"]), ((5,), (4,), (4,)))
        self.assertEqual(shapes["page_table"][0], 4)
        self.assertNotIn("cu_seqlens_k", shapes)
        ragged = fc.inputs(fc.Problem(**RAGGED), framework="numpy")
        self.assertEqual(list(ragged["cu_seqlens_k"]), [0, 9, 13, 53])
        self.assertEqual(ragged["k"].shape[1:], (2, 64))

    def test_what_a_kernel_cannot_know_is_unsupported(self):
        def ragged_only(q, k, v, out, cu_seqlens_q, cu_seqlens_k):
            raise AssertionError("must not be called")
        for function, fields, reason in (
                (numpy_kernels.right, PAGED, "no parameter cu_seqlens_q"),
                (numpy_kernels.sequences_returned, {**RAGGED, "kv": "paged:16"}, "no parameter page_table"),
                (numpy_kernels.sequences_returned, {**RAGGED, "sinks": True}, "no parameter sinks"),
                (ragged_only, {**SHAPE, "seq": 20}, "needs cu_seqlens_q, which problems without lengths do not have")):
            found = fc.check(self.kernel(function), fc.Problem(**fields))
            self.assertEqual(found.status, "unsupported", found)
            self.assertIn(reason, found.reason)

    def test_a_plan_comes_before_the_launches_on_new_lengths(self):
        planned = []

        def plan(cu_seqlens_q, seqused_k, max_seqlen_q, max_seqlen_k, page_size):
            planned.append((list(cu_seqlens_q), list(seqused_k), max_seqlen_q, max_seqlen_k, page_size))

        def launch(**arguments):
            self.assertEqual(planned[-1][0], list(arguments["cu_seqlens_q"]))
            numpy_kernels.sequences(**{name: arguments[name] for name in numpy_kernels.SEQUENCE_ARGUMENTS})
        kernel = self.kernel(launch, plan=plan)
        self.assertTrue(fc.check(kernel, fc.Problem(**PAGED)))
        self.assertEqual(planned[0], ([0, 5, 5, 38, 39], [9, 4, 40, 0], 33, 40, 16))
        found = fc.check(kernel, fc.Problem(**PAGED), depth="deep")
        self.assertTrue(found, found)
        self.assertGreater(len({str(one) for one in planned}), 10)

    def test_peers_that_read_unused_rows_get_finite_ones_and_say_so(self):
        windowed = fc.Problem(**{**PAGED, "lengths": {"q": [2, 1], "kv": [90, 70]}, "window": (10, 0)})
        careless = self.kernel(numpy_kernels.sequences_careless)
        peer = fc.Kernel(numpy_kernels.sequences_careless, framework="numpy", role="peer", name="peer_careless",
                         reads_unused_rows=True)
        found = fc.check(careless, windowed)
        self.assertEqual(found.status, "incorrect", found)
        self.assertIn("not finite", found.reason)
        result = fc.bench([peer, careless, self.kernel(numpy_kernels.sequences)], windowed, budget=1)
        self.assertEqual([row.status for row in result.rows], ["ok", "incorrect", "ok"])
        said = ["finite values" in str(row.record.get("warnings", "")) for row in result.rows]
        self.assertEqual(said, [True, False, False])

    def test_the_reference_says_what_it_cannot(self):
        problem = fc.Problem(**RAGGED)
        with self.assertRaisesRegex(fc.UsageError, "the reference takes sequences of equal lengths"):
            fc.reference(problem, fc.inputs(problem, framework="numpy"))

    def test_times_are_those_of_a_record(self):
        result = fc.bench([self.kernel(numpy_kernels.sequences)], fc.Problem(**RAGGED), against=["cpu_scalar/*"], budget=1)
        self.assertEqual([row.status for row in result.rows], ["ok", "ok"])


if __name__ == "__main__":
    unittest.main()
