"""A build of only the target that scripts/run.sh builds can be installed; the installation works after it has moved."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["FLASHCORE_SOURCE_DIR"])
BUILD = pathlib.Path(os.environ["FLASHCORE_BINARY_DIR"])
# Programs that use a library with sanitizers need them, too.
SANITIZERS = [f"-fsanitize={names}"] if (names := os.environ["FLASHCORE_SANITIZERS"]) else []


def built_by_run_script():
    """All words of the commands that make the target of scripts/run.sh, names of built files among them."""
    target = re.search(r'^build "\$preset" (\S+)$', (SOURCE / "scripts" / "run.sh").read_text(), re.MULTILINE)[1]
    commands = subprocess.run(["ninja", "-C", BUILD, "-t", "commands", target], check=True, capture_output=True,
                              text=True)
    return set(commands.stdout.split())


def copy_build(folder):
    """The build folder's installation scripts, and of the files that they install only what run.sh has built."""
    built = built_by_run_script()
    for script in BUILD.rglob("cmake_install.cmake"):
        text = script.read_text()
        copy = folder / script.relative_to(BUILD)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(text.replace(str(BUILD), str(folder)))
        for installed in map(pathlib.Path, re.findall(rf'"({re.escape(str(BUILD))}/[^";]+)"', text)):
            if str(installed.relative_to(BUILD)) in built:
                shutil.copy2(installed, folder / installed.relative_to(BUILD), follow_symlinks=False)


@unittest.skipUnless((BUILD / "build.ninja").exists(), "asks ninja, which this build folder was not made for")
class InstallTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        root = pathlib.Path(folder.name)
        copy_build(root / "build")
        subprocess.run(["cmake", "--install", root / "build", "--prefix", root / "first"], check=True,
                       stdout=subprocess.DEVNULL)
        cls.prefix = root / "moved"
        (root / "first").rename(cls.prefix)
        cls.elsewhere = root / "elsewhere"
        cls.elsewhere.mkdir()

    def run_there(self, *command):
        return subprocess.run(command, cwd=self.elsewhere, capture_output=True, text=True, check=False,
                              env={**os.environ, "LD_LIBRARY_PATH": str(self.prefix / "lib")})

    def bench(self, *arguments):
        return self.run_there(self.prefix / "bin/flashcore-bench", *arguments)

    def compile(self, example, *options):
        """An installed example, against the installed header and library, as a user compiles it."""
        output = self.prefix / f"{example}.out"
        result = self.run_there(os.environ["FLASHCORE_C_COMPILER"], "-std=c11", "-Wall", "-Werror",
                                self.prefix / f"share/flashcore/examples/{example}.c", "-I", self.prefix / "include",
                                "-L", self.prefix / "lib", *options, *SANITIZERS, "-o", output)
        self.assertEqual(result.returncode, 0, result.stderr)
        return output

    def assert_same_files(self, installed, shipped, *patterns):
        wanted = sorted(path.relative_to(shipped) for pattern in patterns for path in shipped.glob(pattern))
        found = sorted(path.relative_to(installed) for path in installed.rglob("*") if path.is_file())
        self.assertEqual(found, wanted)
        self.assertGreater(len(wanted), 0)

    def test_configs_and_schemas_are_installed(self):
        self.assert_same_files(self.prefix / "share/flashcore/configs", SOURCE / "configs", "*.json", "schema/*.json")

    def test_examples_are_installed_with_what_they_include(self):
        self.assert_same_files(self.prefix / "share/flashcore/examples", SOURCE / "src/capi/examples", "*.c", "*.h")

    def test_the_license_is_installed(self):
        installed = (self.prefix / "share/doc/flashcore/LICENSE").read_text()
        self.assertEqual(installed, (SOURCE / "LICENSE").read_text())
        self.assertIn("Apache License\n                           Version 2.0", installed)

    def test_info_names_the_moved_place(self):
        result = self.bench("info")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn(str(self.prefix / "share/flashcore/configs"), result.stdout)

    def test_a_config_that_is_only_installed_is_found(self):
        configs = self.prefix / "share/flashcore/configs"
        # The source tree has no config of this name, so that only the moved place can serve it.
        only_installed = pathlib.Path(shutil.copy(configs / "default.json", configs / "only_installed.json"))
        self.addCleanup(only_installed.unlink)
        result = self.bench("--config", "only_installed", "--device", "cpu", "--dry-run")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("cpu_scalar/", result.stdout)
        self.assertEqual(list(self.elsewhere.iterdir()), [])

    def test_the_attention_example_runs(self):
        result = self.run_there(self.compile("attention", "-lflashcore", "-lm"))
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_the_example_plugin_is_listed(self):
        plugin = self.compile("example_plugin", "-shared", "-fPIC", "-lm")
        result = self.bench("--plugin", plugin, "list", "--family", "example")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("example/", result.stdout)


if __name__ == "__main__":
    unittest.main()
