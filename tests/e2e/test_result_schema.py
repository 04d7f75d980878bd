"""Result files follow the published schema: the golden file of the unit tests, a new run of the program, and the
files in results/."""

import copy
import json
import pathlib
import re
import tempfile
import unittest

from bench import SCHEMAS, SOURCE, TINY, BenchTest, run, schema_validator

SCHEMA = json.loads((SCHEMAS / "result.schema.json").read_text())
GOLDEN = SOURCE / "tests" / "golden" / "report" / "results.json"


def measured(file):
    """The record in the golden file that has all measurements."""
    return next(record for record in file["records"] if "telemetry" in record)


# Each function makes a valid file invalid.
WRONG = {
    "another version": lambda file: file.update(schema_version=2),
    "no records": lambda file: file.pop("records"),
    "unknown status": lambda file: file["records"][0].update(status="fine"),
    "no variant": lambda file: file["records"][0].pop("variant"),
    "size zero": lambda file: file["records"][0]["problem"].update(seq_q=0),
    "text for a time": lambda file: file["records"][0]["timing"]["hot_us"].update(median="9.3"),
    "half an interval": lambda file: file["records"][0]["timing"]["hot_us"].update(ci95=[1]),
    "unknown depth": lambda file: file["records"][0]["check"].update(depth="deeper"),
    "place of three axes": lambda file: file["records"][0]["check"].update(worst_index=[0, 1, 2]),
    "unknown bound": lambda file: measured(file)["roofline"].update(bound="luck"),
    "text for a clock": lambda file: measured(file)["timing"]["hot_us"]["sm_clock_mhz"].append("fast"),
    "negative count": lambda file: measured(file)["timing"]["hot_us"].update(throttled_samples=-1),
    "half a range": lambda file: measured(file)["telemetry"]["sm_clock_mhz"].pop("max"),
    "reason with spaces": lambda file: measured(file)["telemetry"].update(throttle_reasons=["too hot"]),
    "short hash": lambda file: measured(file).update(code_hash="12ab"),
    "ceilings without one": lambda file: file["environment"].update(ceilings={"copy_bytes_per_s": 1}),
    "unknown dtype": lambda file: file["records"][0]["spec"].update(dtype="fp8"),
}


def strict(text):
    """Parses JSON and rejects NaN and Infinity, which Python would accept."""
    def refuse(word):
        raise ValueError(f"{word} is not JSON")
    return json.loads(text, parse_constant=refuse)


def resolved(node):
    """A part of the schema, behind its reference."""
    while "$ref" in node:
        part = SCHEMA
        for key in node["$ref"].removeprefix("#/").split("/"):
            part = part[key]
        node = part
    return node


def schema_fields(node, path=()):
    node = resolved(node)
    properties = {**node.get("properties", {}),
                  **{pattern.strip("^$").replace("[a-z]+", "any"): child
                     for pattern, child in node.get("patternProperties", {}).items()}}
    if not properties:
        return {path}
    return set().union(*(schema_fields(child, (*path, name)) for name, child in properties.items()))


def record_fields(value, path=()):
    if not isinstance(value, dict):
        return {path}
    return set().union(*(record_fields(child, (*path, name)) for name, child in value.items()))


def common(fields):
    """Paths with dots. Those of problems and specs come from tables of their own; clocks are alike."""
    names = {".".join(field) for field in fields if field[0] not in ("problem", "spec")}
    return {re.sub(r"^timing\.[a-z]+_us", "timing", name) for name in names}


class FieldLists(unittest.TestCase):
    """The schema, the JSON of records and the columns of CSV have the same fields."""

    written = common(set().union(*(record_fields(record) for record in strict(GOLDEN.read_text())["records"])))

    def test_the_schema_describes_what_is_written(self):
        described = common(schema_fields(resolved(SCHEMA["properties"]["records"])["items"]))
        # The golden file's families have the role that names imply, replay graphs, and compile nothing at run time.
        absent = {"role", "direct_calls", "warnings", "compile_s", "choices", "in_process"}
        self.assertEqual(described - absent, self.written)

    def test_csv_has_a_column_for_each_field(self):
        header = GOLDEN.with_suffix(".csv").read_text().splitlines()[0].split(",")
        columns = common(tuple(re.sub(r"\.[0-9]+$", "", column).split(".")) for column in header)
        lists = {"timing.samples", "timing.sm_clock_mhz", "check.skipped_cases", "energy_windows_j"}
        self.assertEqual(columns, self.written - lists)


class ResultSchema(BenchTest):
    @classmethod
    def setUpClass(cls):
        cls.validator = schema_validator("result.schema.json")

    def assert_valid(self, path):
        errors = [f"{error.json_path}: {error.message}" for error in
                  self.validator.iter_errors(strict(path.read_text()))]
        self.assertEqual(errors, [], path)

    def test_golden_file_is_valid(self):
        self.assert_valid(GOLDEN)

    def test_invalid_files_are_rejected(self):
        right = strict(GOLDEN.read_text())
        for name, spoil in WRONG.items():
            with self.subTest(name):
                wrong = copy.deepcopy(right)
                spoil(wrong)
                self.assertFalse(self.validator.is_valid(wrong))

    def test_words_represent_nonfinite_numbers(self):
        file = strict(GOLDEN.read_text())
        file["records"][0]["check"]["rel_l2"] = "nan"
        self.assertTrue(self.validator.is_valid(file))

    def test_a_run_writes_a_valid_file(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "result.json"
            self.assert_ok(run("--device", "cpu", "--problem", TINY, "--budget", "0.2", "--output", path))
            self.assert_valid(path)
            environment = strict(path.read_text())["environment"]
            for part in ("git", "build", "device", "host", "command_line", "config_hash"):
                self.assertIn(part, environment)
            self.assertNotIn("hostname", environment["host"])

    def test_committed_results_are_valid(self):
        for path in sorted((SOURCE / "results").glob("**/*.json")):
            if "records" in json.loads(path.read_text()):
                with self.subTest(path.name):
                    self.assert_valid(path)


if __name__ == "__main__":
    unittest.main()
