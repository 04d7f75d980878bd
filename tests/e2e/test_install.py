"""An installation that was moved to another place still finds its configs and its schema."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

BUILD = os.environ["FLASHCORE_BINARY_DIR"]


class InstallTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        root = pathlib.Path(cls.folder.name)
        subprocess.run(["cmake", "--install", BUILD, "--prefix", root / "first"], check=True, stdout=subprocess.DEVNULL)
        cls.prefix = root / "moved"
        (root / "first").rename(cls.prefix)
        cls.elsewhere = root / "elsewhere"
        cls.elsewhere.mkdir()

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def bench(self, *arguments):
        return subprocess.run([self.prefix / "bin/flashcore-bench", *arguments], cwd=self.elsewhere,
                              capture_output=True, text=True, check=False)

    def test_configs_and_schema_are_installed(self):
        configs = self.prefix / "share/flashcore/configs"
        shipped = pathlib.Path(os.environ["FLASHCORE_SOURCE_DIR"]) / "configs"
        wanted = sorted(path.relative_to(shipped) for path in shipped.glob("**/*.json"))
        self.assertEqual(sorted(path.relative_to(configs) for path in configs.glob("**/*.json")), wanted)
        self.assertIn(pathlib.Path("schema/config.schema.json"), wanted)

    def test_info_names_the_moved_place(self):
        result = self.bench("info")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn(str(self.prefix / "share/flashcore/configs"), result.stdout)

    def test_a_config_that_is_only_installed_is_found(self):
        configs = self.prefix / "share/flashcore/configs"
        # The source tree has no config of this name, so that the moved place alone can serve it.
        only_installed = pathlib.Path(shutil.copy(configs / "default.json", configs / "only_installed.json"))
        self.addCleanup(only_installed.unlink)
        result = self.bench("--config", "only_installed", "--device", "cpu", "--dry-run")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("cpu_scalar/", result.stdout)
        self.assertEqual(list(self.elsewhere.iterdir()), [])


if __name__ == "__main__":
    unittest.main()
