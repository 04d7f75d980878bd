"""A build of only the target that scripts/run.sh builds can be installed; the installation works after it has moved.

The Debian package of it can be unpacked anywhere: find_package and pkg-config find the library there.
"""

import functools
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from bench import environment

SOURCE = pathlib.Path(os.environ["FLASHCORE_SOURCE_DIR"])
BUILD = pathlib.Path(os.environ["FLASHCORE_BINARY_DIR"])
# Programs that use a library with sanitizers need them, too.
SANITIZERS = [f"-fsanitize={names}"] if (names := os.environ["FLASHCORE_SANITIZERS"]) else []


def ninja(*arguments):
    return subprocess.run(["ninja", "-C", BUILD, "-t", *arguments], check=True, capture_output=True, text=True).stdout


def made_by_run_script(path):
    """Whether the target of scripts/run.sh makes a path of the build folder, or CMake does when it configures."""
    target = re.search(r'^build "\$preset" (\S+)$', (SOURCE / "scripts" / "run.sh").read_text(), re.MULTILINE)[1]
    name = str(path.relative_to(BUILD))
    outputs = [line.split(": ")[0] for line in ninja("targets", "all").splitlines()]
    if not any(output == name or output.startswith(f"{name}/") for output in outputs):
        return True  # no rule of ninja
    words = " ".join(ninja("commands", target).split())  # the commands name their outputs
    return re.search(rf"(?<![\w/]){re.escape(name)}\b|{re.escape(str(path))}\b", words) is not None


def copy_build(folder):
    """The build folder's installation scripts, and of the files that they install only what run.sh has built."""
    for script in BUILD.rglob("cmake_install.cmake"):
        text = script.read_text()
        copy = folder / script.relative_to(BUILD)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(text.replace(str(BUILD), str(folder)))
        for installed in map(pathlib.Path, re.findall(rf'"({re.escape(str(BUILD))}/[^";]+)"', text)):
            if installed.suffix == ".cmake" and "install" in installed.name or not made_by_run_script(installed):
                continue
            target = folder / installed.relative_to(BUILD)
            target.parent.mkdir(parents=True, exist_ok=True)
            if installed.is_dir():
                shutil.copytree(installed, target)
            elif installed.exists() or installed.is_symlink():
                shutil.copy2(installed, target, follow_symlinks=False)


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
                              env={**environment(), "LD_LIBRARY_PATH": str(self.prefix / "lib")})

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
        self.assert_same_files(self.prefix / "share/flashcore/configs", SOURCE / "configs", "*.json", "schema/*.json",
                               "models/*.json")

    def test_examples_are_installed_with_what_they_include(self):
        self.assert_same_files(self.prefix / "share/flashcore/examples", SOURCE / "src/capi/examples", "*.c", "*.h",
                               "CMakeLists.txt")

    def test_the_gate_is_installed_with_its_policy(self):
        result = self.run_there(self.prefix / "share/flashcore/ci/gate.sh")
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertIn("error: expected BASE", result.stderr)
        self.assertTrue((self.prefix / "share/flashcore/ci/gate.json").is_file())

    def test_pages_are_installed(self):
        self.assert_same_files(self.prefix / "share/doc/flashcore/docs", SOURCE / "docs", "**/*.*")
        for page in ("CHANGELOG.md", "README.md"):
            self.assertTrue((self.prefix / "share/doc/flashcore" / page).is_file(), page)

    def test_completions_are_installed_where_shells_look(self):
        for shell, place in (("bash", "bash-completion/completions/flashcore-bench"),
                             ("zsh", "zsh/site-functions/_flashcore-bench"),
                             ("fish", "fish/vendor_completions.d/flashcore-bench.fish")):
            result = self.bench("completion", shell)
            self.assertEqual((self.prefix / "share" / place).read_text(), result.stdout)

    @unittest.skipUnless(shutil.which("help2man"), "help2man is not installed")
    def test_man_pages_are_installed(self):
        listed = self.bench("--help").stdout.split("Subcommands:")[1].split("Exit codes:")[0]
        commands = [line.split()[0] for line in listed.splitlines() if line.strip()]
        folder = self.prefix / "share/man/man1"
        self.assertEqual(sorted(page.name for page in folder.iterdir()),
                         sorted(["flashcore-bench.1", *(f"flashcore-bench-{command}.1" for command in commands)]))
        page = (folder / "flashcore-bench-compare.1").read_text()
        self.assertIn("\nflashcore-bench-compare \\- Compare two results", page)
        self.assertIn("\\-\\-smallest\\-effect", page)

    def test_the_license_is_installed(self):
        installed = (self.prefix / "share/doc/flashcore/LICENSE").read_text()
        self.assertEqual(installed, (SOURCE / "LICENSE").read_text())
        self.assertIn("Apache License\n                           Version 2.0", installed)

    def test_info_names_the_moved_place(self):
        result = self.bench("info")
        self.assertEqual(result.returncode, 0, result.stderr)
        places = result.stdout.split("config folders\n")[1].splitlines()
        self.assertRegex(places[0], rf"^  {re.escape(str(self.prefix))}/share/flashcore/configs +installation$")

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

    def test_the_headers_are_installed(self):
        self.assert_same_files(self.prefix / "include", SOURCE / "src/capi", "*.h")

    def test_the_example_of_version_2_is_listed(self):
        plugin = self.compile("ragged_plugin", "-shared", "-fPIC", "-lm")
        self.assertIn("ragged/bf16_d128", self.bench("--plugin", plugin, "list").stdout)

    def test_the_example_plugin_is_listed(self):
        plugin = self.compile("example_plugin", "-shared", "-fPIC", "-lm")
        result = self.bench("--plugin", plugin, "list", "--family", "example")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("example/", result.stdout)


# Of a Debian system; the library's folder is two levels deep there.
LIBRARIES = "lib/x86_64-linux-gnu"


def make_package(folder):
    """Configures as Debian does, and packs the files that this build has made."""
    build = folder / "build"
    subprocess.run(["cmake", "-S", SOURCE, "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
                    "-DFLASHCORE_CUDA=OFF", "-DFLASHCORE_TESTS=OFF", f"-DCMAKE_INSTALL_LIBDIR={LIBRARIES}"],
                   check=True, capture_output=True)
    for name in ("flashcore-bench", "libflashcore.so*", "completions", "man"):
        for made in BUILD.glob(name):
            copy = shutil.copytree if made.is_dir() else functools.partial(shutil.copy2, follow_symlinks=False)
            copy(made, build / made.name)
    subprocess.run(["cpack", "-G", "DEB", "-B", folder / "package"], cwd=build, check=True, capture_output=True)
    return next((folder / "package").glob("*.deb"))


@unittest.skipIf(SANITIZERS, "programs with sanitizers are not packed")
@unittest.skipUnless(shutil.which("dpkg-shlibdeps"), "dpkg-shlibdeps is not installed (package dpkg-dev)")
class DebianPackageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.package = make_package(cls.folder)
        subprocess.run(["dpkg", "-x", cls.package, cls.folder / "root"], check=True)
        cls.prefix = cls.folder / "root" / "usr"
        cls.elsewhere = cls.folder / "elsewhere"
        cls.elsewhere.mkdir()

    def run_there(self, *command, **env):
        result = subprocess.run(command, cwd=self.elsewhere, capture_output=True, text=True, check=False,
                                env={**environment(), **env})
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return result.stdout

    def bench(self, *arguments):
        return self.run_there(self.prefix / "bin/flashcore-bench", *arguments)

    def test_it_names_what_it_needs(self):
        fields = self.run_there("dpkg", "-I", self.package)
        version = re.search(r"project\(flashcore VERSION ([0-9.]+)", (SOURCE / "CMakeLists.txt").read_text())[1]
        self.assertIn(f" Version: {version}\n", fields)
        self.assertRegex(fields, r" Depends: .*libc6 \(>=")
        self.assertIn("shlibs", fields)

    def test_the_program_runs(self):
        places = self.bench("info").split("config folders\n")[1].splitlines()
        self.assertRegex(places[0], rf"^  {re.escape(str(self.prefix))}/share/flashcore/configs +installation$")
        self.bench("--config", "ci", "--device", "cpu", "--variants", "cpu_fused/*", "--check-only", "--output",
                   "checked")
        self.assertTrue((self.elsewhere / "checked.json").exists())

    def test_find_package(self):
        build = self.folder / "examples"
        self.run_there("cmake", "-S", self.prefix / "share/flashcore/examples", "-B", build, "-G", "Ninja",
                       f"-DCMAKE_PREFIX_PATH={self.prefix}")
        self.run_there("cmake", "--build", build)
        self.run_there(build / "attention")
        self.assertIn("example/", self.bench("--plugin", build / "libexample_plugin.so", "list", "--family", "example"))

    def test_find_package_refuses_another_version(self):
        (self.elsewhere / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.25)\nproject(p LANGUAGES C)\nfind_package(flashcore 0.0 REQUIRED)\n")
        result = subprocess.run(["cmake", "-B", self.folder / "refused", f"-DCMAKE_PREFIX_PATH={self.prefix}"],
                                cwd=self.elsewhere, capture_output=True, text=True, check=False)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("requested version \"0.0\"", result.stderr)

    @unittest.skipUnless(shutil.which("pkg-config"), "pkg-config is not installed")
    def test_pkg_config(self):
        places = {"PKG_CONFIG_PATH": str(self.prefix / LIBRARIES / "pkgconfig"),
                  "LD_LIBRARY_PATH": str(self.prefix / LIBRARIES)}
        flags = self.run_there("pkg-config", "--cflags", "--libs", "flashcore", **places).split()
        compiler = os.environ["FLASHCORE_C_COMPILER"]
        examples = self.prefix / "share/flashcore/examples"
        self.run_there(compiler, "-std=c11", examples / "attention.c", *flags, "-lm", "-o", "attention")
        self.run_there(self.elsewhere / "attention", **places)
        self.run_there(compiler, "-std=c11", "-shared", "-fPIC", examples / "example_plugin.c", *flags, "-lm", "-o",
                       "example.so")
        self.assertIn("example/", self.bench("--plugin", "./example.so", "list", "--family", "example"))


if __name__ == "__main__":
    unittest.main()
