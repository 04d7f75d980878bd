"""The scripts: what they build, and their messages and exit codes where they cannot do their work."""

import glob
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["FLASHCORE_SOURCE_DIR"])


def script(name, *arguments, **env):
    return subprocess.run([SOURCE / "scripts" / name, *arguments], capture_output=True, text=True, timeout=60,
                          env={**os.environ, **env}, check=False)


class Scripts(unittest.TestCase):
    def assert_refuses(self, result, code, *parts):
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertEqual(result.stdout, "")
        errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
        self.assertEqual(len(errors), 1, result.stderr)
        for part in parts:
            self.assertIn(part, errors[0])

    def test_sanitize_without_its_tool_says_so(self):
        result = script("sanitize.sh", "memcheck", FLASHCORE_SANITIZER="/nowhere/sanitizer")
        self.assert_refuses(result, 4, "/nowhere/sanitizer is not installed")

    def test_sanitize_names_its_tools(self):
        self.assert_refuses(script("sanitize.sh", "memchek"), 2, "memchek", "memcheck racecheck initcheck synccheck")

    def test_fuzz_names_its_readers(self):
        self.assert_refuses(script("fuzz.sh", "10", "confg"), 2, "confg", "config", "results")

    def test_fuzz_wants_seconds(self):
        self.assert_refuses(script("fuzz.sh", "long"), 2, "long: expected seconds")


# Stands in for cmake and ctest: keeps its arguments and makes the build folder.
FAKE_TOOL = """#!/bin/sh
echo "$(basename "$0") $*" >>"$TOOL_LOG"
mkdir -p build/cpu build/release build/asan
"""


class Presets(unittest.TestCase):
    """run.sh and test.sh in a copy of scripts/, with stand-ins for the tools that they call."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        shutil.copytree(SOURCE / "scripts", self.root / "scripts")
        (self.root / "bin").mkdir()
        for tool in ("cmake", "ctest", "nvcc"):
            (self.root / "bin" / tool).write_text(FAKE_TOOL)
            (self.root / "bin" / tool).chmod(0o755)

    def calls(self, name, *arguments, **env):
        log = self.root / "log"
        log.unlink(missing_ok=True)
        env = {**os.environ, "PATH": f"{self.root / 'bin'}:{os.environ['PATH']}", "TOOL_LOG": str(log),
               "FLASHCORE_PYTHON": "OFF", **env}
        subprocess.run([self.root / "scripts" / name, *arguments], env=env, cwd=self.root, capture_output=True, timeout=60,
                       check=False)  # run.sh finds no program at its end
        return log.read_text()

    def test_cuda_is_left_out_where_no_device_can_run_it(self):
        has_device = bool(glob.glob("/dev/nvidia[0-9]*")) or os.path.exists("/dev/dxg")
        preset = "release" if has_device else "cpu"
        for name in ("run.sh", "test.sh"):
            calls = self.calls(name, FLASHCORE_PRESET="")
            self.assertIn(f"cmake --fresh --preset {preset}", calls)
            self.assertIn(f"cmake --build {self.root}/build/{preset}", calls)
        self.assertIn(f"ctest --test-dir {self.root}/build/{preset}", calls)

    def test_the_environment_names_a_preset(self):
        for preset in ("release", "cpu", "asan"):
            for name in ("run.sh", "test.sh"):
                calls = self.calls(name, FLASHCORE_PRESET=preset)
                self.assertIn(f"cmake --fresh --preset {preset}", calls)
                self.assertIn(f"cmake --build {self.root}/build/{preset}", calls)

    def test_a_sanitizer_of_the_host_has_its_build_and_its_tests(self):
        calls = self.calls("sanitize.sh", "asan", "--stop-on-failure")
        self.assertIn("cmake --fresh --preset asan", calls)
        self.assertRegex(calls, f"ctest --test-dir {self.root}/build/asan .*--label-regex hostile --stop-on-failure\n")

    def test_the_distribution_s_python_is_used_beside_another(self):
        system_python = self.root / "system" / "python3"
        system_python.parent.mkdir()
        shutil.copytree(SOURCE / "tests" / "fuzz" / "corpus", self.root / "tests" / "fuzz" / "corpus")
        tools = {"python3": "exit 1", "dpkg-query": "", "sudo": 'exec "$@"',
                 "apt-get": f'case "$*" in *install*) cp /bin/true {system_python} ;; esac'}
        for tool, line in tools.items():
            (self.root / "bin" / tool).write_text(f"#!/bin/sh\n{line}\n")
            (self.root / "bin" / tool).chmod(0o755)
        for name in ("test.sh", "fuzz.sh"):
            system_python.unlink(missing_ok=True)
            calls = self.calls(name, FLASHCORE_PRESET="cpu", FLASHCORE_SYSTEM_PYTHON=str(system_python))
            self.assertIn(f"-DPython3_EXECUTABLE={system_python}", calls, name)

    def test_the_python_module_is_built_for_tests(self):
        shutil.copy(SOURCE / "pyproject.toml", self.root)
        (self.root / "build" / "nanobind" / "nanobind").mkdir(parents=True)  # as pip leaves it
        calls = self.calls("test.sh", FLASHCORE_PRESET="cpu", FLASHCORE_PYTHON="")
        self.assertIn("-DFLASHCORE_PYTHON=ON", calls)
        self.assertIn(f"-Dnanobind_DIR={self.root}/build/nanobind/nanobind/cmake", calls)
        self.assertNotIn("-DFLASHCORE_PYTHON", self.calls("run.sh", FLASHCORE_PRESET="cpu", FLASHCORE_PYTHON=""))


# The symbol of a kernel at bf16, head_dim 64, block_q 8, block_kv 4, num_warps 8, num_stages 1.
SYMBOL = ("_ZN9flashcore7kernels16attention_kernelINS0_12ScalarKernelIXtlNS_11VariantSpecELNS_5DtypeE1ELi64EtlNS_4TileE"
          "Li8ELi4ELi8ELi1ELi0ELi0ELi0ELi0ELi0ELi0ELi0ELi0ELi0EEEEEEEEvNS0_8ParamsOfIT_E4TypeE")
REPORT = """ptxas info    : Compiling entry function '{symbol}' for 'sm_80'
    8 bytes stack frame, {stores} bytes spill stores, {loads} bytes spill loads
ptxas info    : Used 64 registers, used 0 barriers, 536 bytes cmem[0]
"""


class Registers(unittest.TestCase):
    def check(self, report):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "CMakeFiles", "kernels.dir", "kernels", "scalar", "d64.cu.o.ptxas")
            file.parent.mkdir(parents=True)
            file.write_text(report)
            return subprocess.run([sys.executable, SOURCE / "scripts" / "check_ptxas.py", folder], capture_output=True,
                                  text=True, check=False)

    def test_a_spill_is_named_by_its_variant(self):
        result = self.check(REPORT.format(symbol=SYMBOL, stores=12, loads=4))
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertEqual(result.stderr, "spill: scalar/bf16_d64_q8_kv4_w8_s1 on sm_80: 16 bytes per thread, "
                                        "64 registers\n")

    def test_without_spills_there_is_a_table(self):
        result = self.check(REPORT.format(symbol=SYMBOL, stores=0, loads=0))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stdout, r"scalar +sm_80 +1 +64 +8 +0 +scalar/bf16_d64_q8_kv4_w8_s1\n")

    def test_without_reports_it_says_so(self):
        self.assertEqual(self.check("").returncode, 2)


if __name__ == "__main__":
    unittest.main()
