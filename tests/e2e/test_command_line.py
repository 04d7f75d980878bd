"""Help, listings, the search for configs, and dry runs."""

import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from bench import BENCH, SOURCE, TINY, BenchTest, run


class Help(BenchTest):
    def test_program(self):
        self.assert_golden("help.txt", self.assert_ok(run("--help")))

    def test_commands(self):
        for command in ("run", "list", "info", "compare", "report", "tune", "merge"):
            self.assert_golden(f"help_{command}.txt", self.assert_ok(run(command, "--help")))

    def test_version(self):
        first, *lines = self.assert_ok(run("--version")).splitlines()
        self.assertRegex(first, r"^flashcore-bench \d+\.\d+\.\d+( \([0-9a-f]{12}(, modified)?\))?$")
        fields = dict(line.split(": ") for line in lines)
        self.assertEqual(list(fields), ["compiler", "libraries", "CUDA"])
        wanted = re.findall(r"(?m)^flashcore_dependency\((\w+)", (SOURCE / "CMakeLists.txt").read_text())
        found = dict(library.split(" ") for library in fields["libraries"].split(", "))
        self.assertEqual([name for name in found if name != "OpenMP"], wanted)
        for version in found.values():
            self.assertRegex(version, r"^\d+(\.\d+)+$")
        self.assertRegex(fields["CUDA"], r"^(not built|\d+\.\d+(\.\d+)?, compiled for \w+(-real|-virtual)?.*)$")


class List(BenchTest):
    def test_table(self):
        self.assert_golden("list.txt", self.assert_ok(run("-q", "list", "cpu_scalar/*")))

    def test_json_has_every_variant_once(self):
        entries = json.loads(self.assert_ok(run("list", "--json")))
        ids = [entry["id"] for entry in entries]
        self.assertEqual(len(ids), len(set(ids)))
        for entry in entries:
            self.assertTrue(entry["id"].startswith(entry["family"] + "/" + entry["spec"]["dtype"]), entry)
            self.assertIn(entry["backend"], ("cpu", "cuda"))
            self.assertTrue(entry["summary"])

    def test_filters_join_by_and(self):
        entries = json.loads(self.assert_ok(run("list", "cpu_*", "--dtype", "bf16", "--head_dim", "64,128", "--json")))
        self.assertEqual({entry["spec"]["dtype"] for entry in entries}, {"bf16"})
        self.assertEqual({entry["spec"]["head_dim"] for entry in entries}, {64, 128})

    def test_device_shows_what_can_run(self):
        for entry in json.loads(self.assert_ok(run("list", "--device", "cpu", "--json"))):
            self.assertEqual(entry["runs_here"], entry["backend"] == "cpu", entry)
            self.assertEqual("reason" in entry, not entry["runs_here"])


class Info(BenchTest):
    def test_json(self):
        info = json.loads(self.assert_ok(run("info", "--json")))
        self.assertEqual(info["devices"][0]["device"], "cpu")
        self.assertGreaterEqual(info["devices"][0]["cores"], 1)
        families = {family["family"]: family for family in info["families"]}
        self.assertEqual(families["cpu_scalar"]["run_here"], families["cpu_scalar"]["variants"])
        self.assertIn("wmma", families)
        for family in families.values():
            self.assertTrue(family["run_here"] == family["variants"] > 0 or family["reasons"], family)
        self.assertTrue({"default", "l4", "a100", "h100", "ci"} <= set(info["configs"]))

    def test_text(self):
        text = self.assert_ok(run("info"))
        for part in ("devices", "families", "config folders", "cpu_scalar"):
            self.assertIn(part, text)


class Lookup(BenchTest):
    def test_bare_name_works_from_anywhere(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in ("ci", "ci.json"):
                self.assertIn("ci:", self.assert_ok(run("--config", name, "--device", "cpu", "--dry-run", cwd=folder)))

    def test_directory_from_the_environment_comes_first(self):
        with tempfile.TemporaryDirectory() as folder:
            config = {"name": "mine", "problems": {"seq_q": 8}, "variants": "cpu_*"}
            pathlib.Path(folder, "ci.json").write_text(json.dumps(config))
            text = self.assert_ok(run("--config", "ci", "--device", "cpu", "--dry-run", FLASHCORE_CONFIG_DIR=folder))
            self.assertTrue(text.startswith("mine:"), text)

    def test_installed_program_finds_its_configs(self):
        with tempfile.TemporaryDirectory() as folder:
            prefix = pathlib.Path(folder)
            (prefix / "bin").mkdir()
            shutil.copy(BENCH, prefix / "bin" / "flashcore-bench")
            shutil.copytree(SOURCE / "configs", prefix / "share" / "flashcore" / "configs")
            (prefix / "share" / "flashcore" / "configs" / "only_installed.json").write_text(
                '{"problems": {"seq_q": 8}, "variants": "cpu_*"}')
            result = subprocess.run([prefix / "bin" / "flashcore-bench", "--config", "only_installed", "--device",
                                     "cpu", "--dry-run"], capture_output=True, text=True)
            self.assertEqual(result.returncode, 0, result.stderr)


class DryRun(BenchTest):
    def test_prints_the_plan_and_writes_nothing(self):
        with tempfile.TemporaryDirectory() as folder:
            text = self.assert_ok(run("--device", "cpu", "--dry-run", "--variants", "cpu_scalar/*", "--problem",
                                      "name=p,heads_q=2,seq_q=64:128", cwd=folder))
            self.assertEqual(list(pathlib.Path(folder).iterdir()), [])
        for part in ("p_q64", "p_q128", "cpu_scalar/fp16_d64", "2 of 2"):
            self.assertIn(part, text)
        self.assertNotIn("bf16", text)

    def test_run_is_the_command_without_a_name(self):
        arguments = ("--device", "cpu", "--dry-run", "--problem", TINY)
        self.assertEqual(self.assert_ok(run(*arguments)), self.assert_ok(run("run", *arguments)))

    def test_config_of_another_device_warns(self):
        result = run("--config", "-", "--dry-run", "--device", "cpu",
                     stdin='{"name": "n", "written_for": "No Such Card", "problems": {}}')
        self.assert_ok(result)
        self.assertIn("warning: config n was written for No Such Card", result.stderr)


if __name__ == "__main__":
    unittest.main()
