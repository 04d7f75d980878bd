"""The Python package on the CPU, with kernels in NumPy: checks, deep cases, diagnoses, times and result files are those of
the program."""

import collections
import importlib.util
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import textwrap
import types
import unittest
import unittest.mock

import jsonschema

from bench import SCHEMAS, SOURCE, BenchTest, run

PACKAGE = os.environ.get("FLASHCORE_PYTHON_DIR", "")
if PACKAGE:
    sys.path.insert(0, PACKAGE)
    import numpy
    import numpy_kernels
    import flashcore_bench as fc
    import worker_kernels

TINY = {"heads": 2, "seq": 33, "head_dim": 64}
FAST = {"budget": 0.3, "measure": {"min_samples": 3, "max_samples": 6}}


@unittest.skipUnless(PACKAGE, "the Python module was not built")
class PackageTest(BenchTest):
    def kernel(self, function, **options):
        return fc.kernel(function, framework="numpy", **options)


class ChooseTest(PackageTest):
    def test_the_default_without_a_table(self):
        choice = fc.choose(fc.Problem(**TINY), "cpu")
        self.assertTrue(choice.variant.startswith("cpu_fused/fp16_d64"), choice)
        self.assertEqual((choice.rule, choice.reason), ("default", "auto: default, no tuned entry applies"))
        self.assertIs(fc.choose(fc.Problem(**TINY), "cpu"), choice)
        with self.assertRaisesRegex(fc.UsageError, "device: tpu"):
            fc.choose(fc.Problem(**TINY), "tpu")
        with self.assertRaisesRegex(fc.UsageError, "no variant can run"):
            fc.choose(fc.Problem(heads=2, seq=8, head_dim=17), "cpu")

    def test_an_installed_table(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assert_ok(run("tune", "--device", "cpu", "--problem", "heads_q=2,seq_q=33", "--variants",
                               "cpu_scalar/fp16_d64", "--budget", "0.1", "--install", XDG_DATA_HOME=folder))
            code = textwrap.dedent("""
                import flashcore_bench as fc
                for seq in (33, 40):
                    print(*vars(fc.choose(fc.Problem(heads=2, seq=seq, head_dim=64), "cpu")).values(), sep="|")
            """)
            result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=folder, check=False,
                                    env={**os.environ, "PYTHONPATH": PACKAGE, "XDG_DATA_HOME": folder})
        exact, near = result.stdout.splitlines()
        self.assertRegex(exact, r"^cpu_scalar/fp16_d64\|exact\|auto: exact, ")
        self.assertRegex(near, r"^cpu_scalar/fp16_d64\|interpolated\|auto: interpolated from ")


class ProblemTest(PackageTest):
    def test_fields_and_defaults_are_those_of_configs(self):
        problem = fc.Problem(batch=2, heads=(8, 2), seq=(5, 9), head_dim=64, causal=True)
        self.assertEqual((problem.heads_q, problem.heads_kv, problem.seq_q, problem.seq_kv), (8, 2, 5, 9))
        self.assertEqual(problem.scale, 0.125)
        self.assertEqual(problem.window, (-1, 0))
        self.assertEqual(problem.name, "b2_hq8_hkv2_q5_kv9_d64_fp16_causal")
        self.assertEqual(fc.Problem.from_flag(problem.flag), problem)

    def test_a_wrong_field_is_an_error_with_the_nearest(self):
        with self.assertRaisesRegex(fc.UsageError, "unknown field sed_q, did you mean seq_q.*Known: heads, seq"):
            fc.Problem(sed_q=3)
        with self.assertRaisesRegex(fc.UsageError, "heads_q is given twice"):
            fc.Problem(heads=2, heads_q=2)
        with self.assertRaisesRegex(fc.UsageError, "heads_q"):
            fc.Problem(heads=(3, 2))

    def test_axes_make_problems(self):
        self.assertEqual(len(fc.problems(seq_q=[4, 8], causal=[False, True])), 4)


class KernelTest(PackageTest):
    def test_an_unknown_parameter_is_an_error_with_the_list(self):
        with self.assertRaisesRegex(fc.UsageError, "unknown parameter windw; .*q, k, v, out, lse.*softcap.*window"):
            self.kernel(lambda q, k, v, windw: None)

    def test_names_are_the_kernels_own(self):
        with self.assertRaisesRegex(fc.UsageError, "family mma already exists"):
            self.kernel(numpy_kernels.right, name="mma")
        with self.assertRaisesRegex(fc.UsageError, "two kernels are named right"):
            fc.bench([self.kernel(numpy_kernels.right), self.kernel(numpy_kernels.right)], fc.Problem(**TINY))

    def test_keyword_only_defaults_are_the_kernels_own(self):
        def mine(q, k, v, scale, *, block=16):
            return numpy_kernels.returning(q, k, v, scale, False)
        self.assertTrue(fc.check(self.kernel(mine), fc.Problem(**TINY)))

    def test_every_argument_arrives(self):
        seen = {}

        def mine(**arguments):
            seen.update(arguments)
            arguments["out"][...] = 0
        problem = fc.Problem(heads=(4, 2), seq=(3, 7), causal=True, window=(5, -1), softcap=2.0, lse=True, layout="bshd")
        fc.check(self.kernel(mine), problem, depth="quick")
        self.assertEqual(set(seen), set(fc.ARGUMENTS))
        self.assertEqual((seen["q"].shape, seen["k"].shape, seen["lse"].shape), ((1, 4, 3, 64), (1, 2, 7, 64), (1, 4, 3)))
        self.assertEqual(seen["q"].strides, (2 * 3 * 4 * 64, 2 * 64, 2 * 4 * 64, 2))
        self.assertEqual((seen["causal"], seen["window"], seen["softcap"]), (True, (5, 0), 2.0))
        self.assertEqual((seen["problem"].seq_kv, seen["stream"], seen["q_descale"]), (7, 0, None))

    def test_what_a_kernel_cannot_know_is_unsupported(self):
        mine = self.kernel(numpy_kernels.returning, supports=lambda p: p.seq_q < 100 or "it is too long")
        for fields, reason in (({"softcap": 2.0}, "no parameter softcap"), ({"window": 3}, "no parameter window_left"),
                               ({"lse": True}, "no parameter lse"), ({"seq": 100}, "it is too long"),
                               ({"dtype": "bf16"}, "numpy has no bf16"), ({"mask": "bits"}, "mask = bits")):
            found = fc.check(mine, fc.Problem(**{**TINY, **fields}))
            self.assertEqual(found.status, "unsupported", found)
            self.assertIn(reason, found.reason)

    def test_exceptions_are_the_records(self):
        def failing(q, k, v, out):
            raise RuntimeError("no such tile\nwith details")

        def refusing(q, k, v, out):
            raise fc.Unsupported("not today")

        def returning_floats(q, k, v):
            return numpy.zeros(q.shape, numpy.float32)
        for function, status, reason in ((failing, "error", "RuntimeError: no such tile"),
                                         (refusing, "unsupported", "not today"),
                                         (returning_floats, "incorrect", "it returns dtype float32, wanted float16"),
                                         (lambda q: None, "incorrect", "takes no argument out, and returns nothing")):
            found = fc.check(self.kernel(function, name="mine"), fc.Problem(**TINY))
            self.assertEqual((found.status, found.reason), (status, found.reason))
            self.assertIn(reason, found.reason)


class CheckTest(PackageTest):
    def test_right_kernels_pass_deep_checks(self):
        for function in (numpy_kernels.right, numpy_kernels.returning):
            found = fc.check(self.kernel(function), fc.Problem(**TINY, causal=True), depth="deep")
            self.assertTrue(found.passed, found)
            self.assertGreater(found.cases, 30)

    def test_wrong_kernels_do_not(self):
        for function, words in ((numpy_kernels.half_written, "not written"),
                                (lambda q, k, v: q * 0, "error is")):
            found = fc.check(self.kernel(function, name="wrong"), fc.Problem(**TINY))
            self.assertEqual(found.status, "incorrect")
            self.assertIn(words, found.reason)

    def test_a_fault_of_special_inputs_needs_a_deep_check(self):
        mine = self.kernel(numpy_kernels.without_maximum)
        self.assertTrue(fc.check(mine, fc.Problem(**TINY)))
        self.assertIn("case large_scores", fc.check(mine, fc.Problem(**TINY), depth="deep").reason)

    def test_built_in_variants_by_their_ids(self):
        self.assertTrue(fc.check("cpu_fused/fp16_d64*", fc.Problem(**TINY)))


class DiagnoseTest(PackageTest):
    def test_verdicts(self):
        problem = fc.Problem(**TINY)
        right = fc.diagnose(self.kernel(numpy_kernels.right), problem)
        self.assertTrue(right.healthy, right)
        for function, words in ((numpy_kernels.half_written, "Some of O is never written"),
                                (numpy_kernels.without_maximum, "exp() overflows"),
                                (numpy_kernels.causal_off_by_one, "causal mask")):
            found = fc.diagnose(self.kernel(function), problem)
            self.assertIn(words, found.verdict)
            self.assertIn("Problem.from_flag", found.next[0])
            self.assertIn(f"Next:\n  {found.next[0]}\n", repr(found))
            self.assertNotIn("flashcore-bench", repr(found))

    def test_a_tile_makes_a_verdict_exact(self):
        problem = fc.Problem(**TINY)
        for tile, words in (((16, 16), "O is not rescaled when the maximum grows"), ((0, 0), "where the maximum grows")):
            mine = self.kernel(numpy_kernels.without_rescaling, tile=tile)
            self.assertIn(words, fc.diagnose(mine, problem).verdict)
        self.assertEqual(fc.check(mine, problem).record["variant"], "without_rescaling/fp16_d64")
        mine = self.kernel(numpy_kernels.right, tile=(32, 16))
        self.assertEqual(fc.check(mine, problem).record["variant"], "right/fp16_d64_q32_kv16")

    def test_a_kernel_without_lse_is_diagnosed_too(self):
        self.assertTrue(fc.diagnose(self.kernel(numpy_kernels.returning), fc.Problem(**TINY)).healthy)

    def test_assert_correct_says_the_sentence(self):
        problem = fc.Problem(**TINY)
        mine = self.kernel(numpy_kernels.half_written)
        with self.assertRaises(AssertionError) as caught:
            fc.assert_correct(mine, problem)
        self.assertEqual(str(caught.exception), fc.diagnose(mine, problem).verdict)
        with self.assertRaises(unittest.SkipTest):
            fc.assert_correct(mine, fc.Problem(**TINY, softcap=1.0))
        too_far = fc.Problem(**{**TINY, "batch": 1000}, layout="far_batches")
        self.assertEqual(fc.check(mine, too_far).status, "out_of_memory")
        with self.assertRaises(unittest.SkipTest):
            fc.assert_correct(mine, too_far)

    def test_inputs_and_reference(self):
        problem = fc.Problem(heads=(4, 2), seq=(5, 9), causal=True)
        inputs = fc.inputs(problem, seed=3, framework="numpy")
        out, lse = numpy_kernels.attention(*inputs.values(), problem.scale, 0, problem.window)
        reference = fc.reference(problem, inputs)
        numpy.testing.assert_allclose(reference.out, out, atol=1e-5)
        numpy.testing.assert_allclose(reference.lse, lse, atol=1e-5)
        with self.assertRaisesRegex(fc.UsageError, r"k: the shape is \[1, 4, 5, 64\], wanted \[1, 2, 9, 64\]"):
            fc.reference(problem, {**inputs, "k": inputs["q"]})

    def test_inputs_and_reference_of_e4m3(self):
        problem = fc.Problem(batch=2, heads=(4, 2), seq=(5, 9), head_dim=64, dtype="e4m3", causal=True)
        inputs = fc.inputs(problem, seed=3, framework="numpy")
        self.assertEqual(set(inputs), {"q", "k", "v", "q_descale", "k_descale", "v_descale"})
        codes = numpy.arange(256)
        exponent, fraction = codes >> 3 & 15, (codes & 7) / 8
        values = numpy.where(exponent == 0, fraction * 2.0**-6, (1 + fraction) * 2.0**(exponent - 7.0))
        values = numpy.where(codes & 128, -values, values)
        tensors = []
        for name in "qkv":
            factors = inputs[f"{name}_descale"]
            self.assertEqual((factors.shape, factors.dtype), ((2, 2), numpy.float32))
            heads = numpy.repeat(factors, inputs[name].shape[1] // 2, axis=1)
            tensors.append((values[inputs[name]] * heads[..., None, None]).astype("float32"))
        out, lse = numpy_kernels.attention(*tensors, problem.scale, 0, problem.window)
        reference = fc.reference(problem, inputs)
        numpy.testing.assert_allclose(reference.out, out, atol=1e-5)
        numpy.testing.assert_allclose(reference.lse, lse, atol=1e-5)
        for changed, words in (({"k_descale": inputs["k"]}, r"k_descale: the shape is \[2, 2, 9, 64\], wanted \[2, 2\]"),
                               ({"v_descale": None}, "v_descale: wanted an array of it among the inputs"),
                               ({"q_descale": numpy.ones((2, 2))}, "q_descale: wanted fp32")):
            with self.assertRaisesRegex(fc.UsageError, words):
                fc.reference(problem, {**inputs, **changed})


class BenchmarkTest(PackageTest):
    def bench(self, *arguments, **options):
        return fc.bench(*arguments, **{**FAST, **options})

    def test_rows_file_and_ratio(self):
        problem = fc.Problem(**TINY)
        found = self.bench(self.kernel(numpy_kernels.returning), problem, against=["cpu_scalar", "auto"])
        self.assertEqual([row.status for row in found.rows], ["ok"] * len(found.rows), found)
        self.assertEqual(found.rows[0].family, "cpu_fused")  # what auto chose comes first, as in the program
        mine = found.row("returning")
        self.assertIs(found.row("auto"), found.rows[0])
        self.assertGreater(mine.hot, 0)
        self.assertGreater(mine.compile_s, 0)
        self.assertEqual(found.best.variant, min(found.rows, key=lambda row: row.hot).variant)
        ratio = found.ratio("cpu_scalar")
        self.assertTrue(ratio.low < ratio.value < ratio.high, ratio)
        self.assertAlmostEqual(ratio.value, mine.hot / found.row("cpu_scalar").hot)
        self.assertIn("returning/fp16_d64", repr(found))
        with self.assertRaisesRegex(fc.UsageError, "no row is nothing; there are: .*returning"):
            found.ratio("nothing")
        self.check_file(found)

    def check_file(self, found):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "mine.json"
            found.save(path)
            content = json.loads(path.read_text())
            jsonschema.Draft7Validator(json.loads((SCHEMAS / "result.schema.json").read_text())).validate(content)
            self.assertTrue(content["environment"]["python"]["in_process"])
            self.assertEqual([record["variant"] for record in content["records"]], [row.variant for row in found.rows])
            self.assertIn("returning/fp16_d64", self.assert_ok(run("report", path, "--format", "markdown")))
            compared = run("compare", path, path)
            self.assertIn(compared.returncode, (0, 3), compared.stderr)

    def test_several_problems(self):
        problems = fc.problems(seq_q=[16, 33])
        found = self.bench(self.kernel(numpy_kernels.right), problems, modes=["call"])
        self.assertEqual(set(found.best), {problem.name for problem in problems})
        with self.assertRaisesRegex(fc.UsageError, "several problems"):
            found.row("right")

    def test_wrong_kernels_get_no_times(self):
        found = self.bench([self.kernel(numpy_kernels.half_written), self.kernel(numpy_kernels.right)],
                           fc.Problem(**TINY), modes=["hot"])
        self.assertEqual([row.status for row in found.rows], ["incorrect", "ok"])
        self.assertIsNone(found.rows[0].hot)
        self.assertEqual(found.best.family, "right")
        with self.assertRaisesRegex(fc.UsageError, "half_written/fp16_d64 has no times: incorrect"):
            found.ratio("right")

    def test_a_kernel_that_remembers_is_found(self):
        numpy_kernels.remembering.known.clear()
        found = self.bench(self.kernel(numpy_kernels.remembering), fc.Problem(**TINY), modes=["hot"])
        self.assertEqual(found.rows[0].status, "incorrect", found)

    def test_what_is_returned_is_poisoned_after_each_sample(self):
        numpy_kernels.forgetting.known.clear()
        found = self.bench(self.kernel(numpy_kernels.forgetting), fc.Problem(**TINY), modes=["hot"])
        self.assertEqual(found.rows[0].status, "incorrect", found)
        self.assertIn("not written", found.rows[0].reason)

    def test_an_interrupt_is_pythons(self):
        def stopping(q, k, v, out):
            raise KeyboardInterrupt
        with self.assertRaises(KeyboardInterrupt):
            fc.check(self.kernel(stopping), fc.Problem(**TINY))
        self.assertTrue(fc.check(self.kernel(numpy_kernels.right), fc.Problem(**TINY)))


class WorkerTest(PackageTest):
    """A kernel that another process can import runs there."""

    def setUp(self):
        self.problem = fc.Problem(**TINY)

    def bench(self, *arguments, **options):
        return fc.bench(*arguments, self.problem, **{**FAST, "modes": ["hot"], **options})

    def process(self, kernel=None, **options):
        """The process of worker_kernels.right, by its record."""
        return int(fc.check(kernel or worker_kernels.right, self.problem, **options).record["choices"]["right"])

    def test_rows_of_a_worker(self):
        found = self.bench(worker_kernels.right, against=["cpu_scalar"])
        row = found.row("right")
        self.assertEqual((row.status, row.in_process), ("ok", ""), row)
        self.assertNotEqual(int(row.choices["right"]), os.getpid())
        self.assertGreater(row.compile_s, 0)
        self.assertGreater(found.ratio("cpu_scalar").low, 0)
        content = json.loads(found.text)
        jsonschema.Draft7Validator(json.loads((SCHEMAS / "result.schema.json").read_text())).validate(content)
        self.assertFalse(content["environment"]["python"]["in_process"])
        deep = fc.check(worker_kernels.right, self.problem, depth="deep")
        self.assertTrue(deep.passed and deep.cases > 30, deep)

    def test_a_kernel_that_ends_its_process_costs_its_row(self):
        ending = [worker_kernels.crashing, worker_kernels.exiting, worker_kernels.crashing_when_timed]
        found = self.bench([*ending, worker_kernels.right], against=["cpu_scalar"])
        for row, words in zip(found.rows, ("was killed by SIGSEGV", "exited with code 3 .*no licence", "SIGABRT")):
            self.assertEqual(row.status, "crashed", row)
            self.assertRegex(row.reason, words)
        self.assertEqual([row.status for row in found.rows[3:]], ["ok", "ok"], found)
        self.assertIn("SIGSEGV", fc.diagnose(worker_kernels.crashing, self.problem).details["text"])

    def test_a_kernel_that_hangs_has_a_limit(self):
        found = fc.check(worker_kernels.hanging, self.problem, timeout=1)
        self.assertEqual((found.status, found.reason), ("timeout", "verify took more than 1 s (timeout)"))
        self.assertIn("within 1 s (timeout)", fc.diagnose(worker_kernels.hanging, self.problem, timeout=1).details["text"])

    def test_what_a_kernel_prints_is_no_answer(self):
        self.assertEqual(self.bench(worker_kernels.printing).rows[0].status, "ok")
        self.assertTrue(fc.diagnose(worker_kernels.printing, self.problem).healthy)

    def test_diagnoses_and_plain_functions(self):
        self.assertIn("Some of O is never written", fc.diagnose(worker_kernels.wrong, self.problem).verdict)
        with unittest.mock.patch.object(fc.frameworks, "find", lambda name: fc.frameworks.NumPy):
            kernel = fc.Kernel(worker_kernels.plain, is_plain=True)
        self.assertEqual(fc.isolation._name(kernel), "worker_kernels:plain")

    def test_the_worker_stays(self):
        fc.isolation._served.clear()
        fc.check(worker_kernels.wrong, self.problem)
        serving_both = self.process(depth="quick")
        fc.check(worker_kernels.wrong, self.problem)
        self.assertEqual(self.process(), serving_both)
        fc.end_worker()
        self.assertNotEqual(self.process(), serving_both)
        last = self.process()
        os.kill(last, signal.SIGKILL)
        self.assertNotIn(self.process(), (last, os.getpid()))

    def test_rows_say_why_they_are_in_process(self):
        def inner(q, k, v, out):
            out[...] = 0
        cases = (({}, lambda q, k, v: q, "lambda.* cannot be imported again: it is a lambda"),
                 ({}, inner, "inner cannot be imported again: it is defined inside of a function"),
                 ({}, numpy_kernels.right, "right cannot be imported again: no module has it under a name"),
                 ({"in_process": True}, worker_kernels.right, "in_process=True"))
        for options, function, words in cases:
            kernel = function if isinstance(function, fc.Kernel) else self.kernel(function)
            found = self.bench([worker_kernels.wrong, kernel] if not options else kernel, **options)
            self.assertRegex(found.rows[-1].in_process, words)
            self.assertRegex(repr(found), f"\nIn this process, without a worker: .*{words}")
            self.assertTrue(json.loads(found.text)["environment"]["python"]["in_process"])
        self.assertEqual(self.process(in_process=True), os.getpid())

    def run_python(self, *arguments, **options):
        path = os.pathsep.join((PACKAGE, str(SOURCE / "tests" / "e2e")))
        return subprocess.run([sys.executable, *arguments], check=False, capture_output=True, text=True, timeout=300,
                              env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}, **options)

    def test_kernels_of_scripts_and_sessions(self):
        define = "import flashcore_bench as fc\n@fc.kernel(framework='numpy')\ndef mine(q, k, v, out):\n    out[...] = 0\n"
        call = "print('|', fc.check(mine, fc.Problem(heads=2, seq=33)).record.get('in_process'))\n"
        guarded = f"{define}if __name__ == '__main__':\n    {call}"
        alone = f"{define}mine = fc.kernel(mine.function, framework='numpy')\n{call}"
        with tempfile.TemporaryDirectory() as folder:
            for name, text in (("guarded.py", guarded), ("plain.py", define + call), ("imported.py", alone)):
                (pathlib.Path(folder) / name).write_text(text)
            for arguments, words in ((["guarded.py"], r"\| None"), (["-m", "guarded"], r"\| None"),
                                     (["plain.py"], "its script has no line `if __name__"),
                                     (["-c", define + call], "an interactive session"),
                                     (["-c", "import imported"], "no worker could start: UsageError: .* belong under")):
                result = self.run_python(*arguments, cwd=folder)
                self.assertRegex(result.stdout, words, result.stderr)
                self.assertEqual(result.stdout.count("|"), 1)

    def test_an_interrupt_ends_a_kernel_that_hangs(self):
        script = "import os, signal, threading, worker_kernels as kernels, flashcore_bench as fc\n" \
                 "threading.Timer(2, os.kill, (os.getpid(), signal.SIGINT)).start()\n" \
                 "fc.check(kernels.hanging, fc.Problem(heads=2, seq=33), timeout=250)"
        result = self.run_python("-c", script)
        self.assertIn("KeyboardInterrupt", result.stderr)


class Autotuner:
    """As Triton's, as far as the package looks at it."""

    def __init__(self):
        self.cache, self.best_config = {}, None

    def __call__(self, size):
        self.best_config = self.cache.setdefault(size, types.SimpleNamespace(all_kwargs=lambda: {"M": size, "num_warps": 4}))


attend = Autotuner()


def launch(size):
    return [attend(one) for one in (size,)]


class TuningTest(PackageTest):
    """Samples during which something compiles are void, and what tuning chose is on record."""

    def bench(self, compile_once, every=4):
        calls = []

        def mine(q, k, v, out, scale):
            calls.append(0)
            numpy_kernels.right(q, k, v, out, None, scale, 0, (-1, -1))
            if len(calls) % every == 0:
                compile_once()
        found = fc.bench(self.kernel(mine), fc.Problem(**TINY), modes=["call"], budget=0.3, depth="quick",
                         measure={"min_samples": 12, "max_samples": 12})
        return found.rows[0]

    def assert_void(self, row):
        self.assertEqual(row.status, "ok", row)
        self.assertRegex(row.warnings[0], r"^call: \d samples? (is|are) void, because something was compiled meanwhile$")
        self.assertEqual(row.timing("call")["n"], 12)

    def test_a_sample_with_a_compilation_is_void(self):
        self.assert_void(self.bench(fc.compiled))
        self.assertEqual(self.bench(lambda: None).warnings, [])

    def test_compilations_of_torch_and_triton_count(self):
        frames = collections.Counter()
        dynamo = types.SimpleNamespace(counters={"frames": frames})
        with unittest.mock.patch.dict(sys.modules, {"torch._dynamo.utils": dynamo}):
            self.assert_void(self.bench(lambda: frames.update(total=1)))
        before = unittest.mock.Mock()
        runtime = types.SimpleNamespace(jit_post_compile_hook=before)
        triton = types.SimpleNamespace(knobs=types.SimpleNamespace(runtime=runtime))
        with unittest.mock.patch.dict(sys.modules, {"triton": triton}):
            self.assert_void(self.bench(lambda: runtime.jit_post_compile_hook(repr="mine")))
        before.assert_called_with(repr="mine")
        self.assert_void(self.bench(lambda: launch(len(attend.cache) + 1)))

    def test_a_kernel_that_always_compiles_has_no_times(self):
        row = self.bench(fc.compiled, every=1)
        self.assertEqual(row.status, "error")
        self.assertIn("something was compiled during each of 8 samples", row.reason)

    def test_choices_are_on_record(self):
        @fc.kernel(framework="numpy")
        def mine(q, k, v, out, scale):
            launch(q.shape[2])
            numpy_kernels.right(q, k, v, out, None, scale, 0, (-1, -1))
        mine.choice = lambda: "as it was"
        found = fc.bench(mine, fc.problems(seq_q=[16, 33]), modes=["call"], **FAST)
        self.assertEqual([row.choices for row in found.rows],
                         [{"attend": f"M: {rows}, num_warps: 4", "mine": "as it was"} for rows in (16, 33)])


@unittest.skipIf(importlib.util.find_spec("torch") is None, "there is no PyTorch")
class TorchTest(PackageTest):
    def tensors(self, dtype="bf16", **fields):
        problem = fc.Problem(**{"batch": 2, "heads": (4, 2), "seq": (33, 47), "dtype": dtype, **fields})
        inputs = fc.inputs(problem, seed=1, framework="torch")
        return problem, inputs, tuple(inputs.values())

    def assert_right(self, out, problem, inputs):
        import torch
        torch.testing.assert_close(out.float(), fc.reference(problem, inputs).out, atol=0.02, rtol=0.02)

    def test_attention_is_right(self):
        import torch
        for fields in ({}, {"causal": True}, {"window": (5, 3), "softcap": 3.0}, {"scale": 0.3, "layout": "bshd"}):
            problem, inputs, qkv = self.tensors(**fields)
            options = {key: fields[key] for key in ("causal", "window", "softcap", "scale") if key in fields}
            out = fc.attention(*qkv, **options)
            self.assertEqual(out.stride(), qkv[0].stride())
            self.assert_right(out, problem, inputs)
            written = torch.full_like(out, torch.nan)
            version = written._version
            self.assertIsNone(fc.attention_out(*qkv, written, **options))
            self.assertGreater(written._version, version)
            self.assertTrue(torch.equal(written, out))

    def test_tensors_that_no_kernel_takes_are_copied(self):
        import torch
        problem, inputs, (q, k, v) = self.tensors()
        unaligned = torch.empty(q.numel() + 1, dtype=q.dtype)[1:].view(q.shape).copy_(q)
        columns = k.transpose(2, 3).contiguous().transpose(2, 3)
        out = torch.empty(q.numel() + 1, dtype=q.dtype)[1:].view(q.shape)
        fc.attention_out(unaligned, columns, v, out)
        self.assert_right(out, problem, inputs)

    def test_wrong_tensors_are_refused(self):
        _, _, (q, k, v) = self.tensors()
        for wrong, words in (((q.float(), k, v), "all be fp16 or all bf16"), ((q, k[:1], v[:1]), r"\[batch, heads_q"),
                             ((q, k[..., :32], v[..., :32]), r"\[batch, heads_q"), ((q[:, :3], k, v), "heads_q")):
            with self.assertRaisesRegex(ValueError, words):
                fc.attention(*wrong)

    def test_operators_pass_opcheck_and_compile(self):
        import torch
        _, _, (q, k, v) = self.tensors()
        operators = torch.ops.flashcore_bench
        fc.attention(q, k, v)
        torch.library.opcheck(operators.attention.default, (q, k, v, True))
        torch.library.opcheck(operators.attention.default, (q.transpose(1, 2).contiguous().transpose(1, 2), k, v))
        torch.library.opcheck(operators.attention_out.default, (q, k, v, torch.empty_like(q), False, 5, 3, 2.0))

        def model(q, k, v):
            return fc.attention(q * 2, k, v, causal=True) + 1
        self.assertTrue(torch.equal(torch.compile(model, fullgraph=True, backend="aot_eager")(q, k, v), model(q, k, v)))

    def test_kernels_and_peers(self):
        import torch
        problem = fc.Problem(heads=(4, 2), seq=33, dtype="bf16", causal=True)

        def returning(q, k, v, scale, causal):
            return torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=causal, scale=scale, enable_gqa=True)

        def no_output(q, k, v, out, causal):
            out[:, :, ::2] = 0
        found = fc.bench([returning, fc.kernel(no_output)], problem, against=["sdpa_math", "cpu_scalar"], **FAST)
        self.assertEqual([row.status for row in found.rows[:3]], ["ok", "incorrect", "ok"], found)
        self.assertGreater(found.ratio("sdpa_math").high, 0)
        self.assertIn("torch", json.loads(found.text)["environment"])
        self.assertTrue(torch.is_grad_enabled())


class PagesTest(PackageTest):
    def test_the_stub_names_what_the_extension_has(self):
        stub = (SOURCE / "python" / "flashcore_bench" / "_core.pyi").read_text()
        named = set(re.findall(r"(?m)^(?:def |class |)(\w+)[:(]", stub))
        self.assertEqual(named, {name for name in dir(fc._core) if not name.startswith("__")})

    def test_examples_of_the_pages_run(self):
        page = (SOURCE / "docs" / "c-and-python.md").read_text()
        blocks = re.findall(r"(?ms)^```python cpu\n(.*?)^```$", page)
        self.assertEqual(len(blocks), 1)
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "example.py"
            path.write_text(blocks[0])
            result = subprocess.run([sys.executable, path], cwd=folder, check=False, capture_output=True, text=True,
                                    env={**os.environ, "PYTHONPATH": PACKAGE})
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn("Nothing is wrong", result.stdout)
            self.assertIn("mine/fp16_d64", (pathlib.Path(folder) / "mine.json").read_text())


PYTEST = """
import flashcore_bench as fc
import numpy_kernels

right = fc.kernel(numpy_kernels.right, framework="numpy")
broken = fc.kernel(numpy_kernels.half_written, framework="numpy")

@fc.parametrize(problems="deep", seq=40)
def test_right(problem):
    fc.assert_correct(right, problem)

@fc.parametrize(problems=[fc.Problem(heads=2, seq=33)])
def test_broken(problem):
    fc.assert_correct(broken, problem)
"""


@unittest.skipIf(importlib.util.find_spec("pytest") is None, "there is no pytest")
class PytestTest(PackageTest):
    def test_a_broken_kernels_message_is_the_diagnosis(self):
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "test_mine.py").write_text(textwrap.dedent(PYTEST))
            path = os.pathsep.join((PACKAGE, str(SOURCE / "tests" / "e2e")))
            result = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", folder], check=False,
                                    capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path})
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertRegex(result.stdout, r"1 failed, \d{2} passed")
        self.assertRegex(result.stdout, r"(?m)^E +AssertionError: Some of O is never written: ")


if __name__ == "__main__":
    unittest.main()
