"""flashcore-bench profile: all reasons why it cannot run, and their exit codes."""

import json
import unittest

from bench import BenchTest, run

USAGE, ENVIRONMENT = 2, 4


class Profile(BenchTest):
    def setUp(self):
        info = json.loads(self.assert_ok(run("info", "--json")))
        self.has_device = len(info["devices"]) > 1
        self.cuda_variants = [entry["id"] for entry in json.loads(self.assert_ok(run("list", "--json")))
                              if entry["backend"] == "cuda"]

    def test_help(self):
        self.assert_golden("help_profile.txt", self.assert_ok(run("profile", "--help")))

    def test_needs_a_variant(self):
        self.assert_error(run("profile"), USAGE, "variant")
        self.assert_error(run("profile", "nothing/fp16"), USAGE, "profile: \"nothing/fp16\"")

    def test_one_at_a_time(self):
        self.assert_error(run("profile", "cpu_scalar/*"), USAGE, "profile: cpu_scalar/* matches", "only one can be profiled")

    def test_cpu_variants(self):
        self.assert_error(run("profile", "cpu_scalar/fp16_d64"), USAGE, "runs on the CPU, but ncu profiles only CUDA kernels")

    def test_no_device(self):
        if self.has_device or not self.cuda_variants:
            self.skipTest("there is a CUDA device" if self.has_device else "built without CUDA")
        self.assert_error(run("profile", self.cuda_variants[0]), ENVIRONMENT, "profile: no CUDA device can be used")
        self.assert_error(run("profile", self.cuda_variants[0], "--problem", "seq_q=1:2"), USAGE,
                          "--problem: makes 2 problems")

    def test_no_ncu(self):
        if not self.has_device:
            self.skipTest("no CUDA device")
        result = run("profile", self.cuda_variants[0], PATH="/nowhere")
        if result.returncode != 0:  # the CUDA Toolkit's folder may have ncu
            self.assert_error(result, ENVIRONMENT, "ncu")


if __name__ == "__main__":
    unittest.main()
