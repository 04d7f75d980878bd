"""The published schema and the parser accept and reject the same configs."""

import json
import unittest

from bench import SOURCE, BenchTest, run, schema_validator


RIGHT = {
    "least": {"problems": {}},
    "axes": {"problems": [{"name": "a", "seq_q": [1, 2], "dtype": ["fp16", "bf16"], "causal": [True, False]}]},
    "8 bits": {"problems": [{"dtype": ["e4m3", "fp16"], "out_dtype": "fp16"}, {"dtype": "e4m3"}]},
    "ragged": {"problems": [{"lengths": "2q64_3q1s100"}, {"lengths": {"q": [5, 0, 130], "kv": [9, 4, 130]}},
                            {"lengths": ["q1", {"q": [2], "kv": [3]}]},
                            {"name": "b", "lengths": {"batch": "q5", "name": "call0001", "source": "made by hand"}}]},
    "drawn": {"problems": [
        {"lengths": {"distribution": "uniform", "sequences": 4, "seed": 1, "kv": {"max": 90}, "q": {"min": 0, "max": 9}}},
        {"lengths": {"distribution": "zipf", "sequences": 4, "seed": 1, "kv": {"exponent": 2, "max": 90}, "q": 1}},
        {"lengths": {"distribution": "lognormal", "sequences": 4, "seed": 1, "q": 1,
                     "kv": {"median": 50, "sigma": 1.5, "max": 900}}}]},
    "caches": {"problems": {"kv": ["contiguous", "paged:16", "paged:1:sequential", "paged:4:shuffled:prefix2x8",
                                   {"layout": "paged", "page_size": 3, "order": "shuffled",
                                    "shared_prefix": {"sequences": 2, "keys": 6}}], "batch": 4, "sinks": True}},
    "source": {"problems": {"lengths": "q5", "source": "made by hand"}},
    "globs": {"problems": {}, "variants": ["*", "!*/bf16_*"]},
    "filters": {"problems": {}, "variants": [{"family": "cpu_scalar", "head_dim": [64, 128]}]},
    "one word": {"problems": {}, "report": {"formats": "json"}, "measure": {"clocks": "hot"}},
    "tuning": {"problems": {}, "tune": {"search": "random", "max_candidates": 9, "limits": {"registers": 128}}},
    "auto": {"problems": {}, "variants": ["auto"]},
    "depth": {"problems": {}, "check": {"depth": "quick"}},
    "check only": {"problems": {}, "measure": {"clocks": []}},
}

WRONG = {
    "no problems": {},
    "empty problems": {"problems": []},
    "unknown root key": {"problems": {}, "varients": "*"},
    "unknown problem key": {"problems": {"sed_q": 1}},
    "zero": {"problems": {"seq_q": 0}},
    "negative": {"problems": {"batch": -1}},
    "too large": {"problems": {"batch": 2**31}},
    "beyond 64 bits": {"problems": {"batch": 2**64}},
    "not whole": {"problems": {"batch": 1.5}},
    "text for a number": {"problems": {"batch": "1"}},
    "empty axis": {"problems": {"seq_q": []}},
    "zero in an axis": {"problems": {"seq_q": [1, 0]}},
    "unknown dtype": {"problems": {"dtype": "fp8"}},
    "output of 8 bits": {"problems": {"dtype": "e4m3", "out_dtype": "e4m3"}},
    "unknown layout": {"problems": {"layout": "sbhd"}},
    "number for a switch": {"problems": {"causal": 1}},
    "window below -1": {"problems": {"window_left": -2}},
    "negative softcap": {"problems": {"softcap": -1}},
    "empty name": {"problems": {"name": ""}},
    "lengths of no form": {"problems": {"lengths": "5x"}},
    "empty lengths": {"problems": {"lengths": ""}},
    "lengths without keys": {"problems": {"lengths": {"q": [1]}}},
    "negative length": {"problems": {"lengths": {"q": [1], "kv": [-1]}}},
    "unknown key of lengths": {"problems": {"lengths": {"q": [1], "kv": [1], "k": [1]}}},
    "unknown distribution": {"problems": {"lengths": {"distribution": "normal", "sequences": 1, "seed": 0, "kv": 1, "q": 1}}},
    "distribution without a seed": {"problems": {"lengths": {"distribution": "uniform", "sequences": 1, "kv": 1, "q": 1}}},
    "lognormal without a median": {"problems": {"lengths": {"distribution": "lognormal", "sequences": 1, "seed": 0, "q": 1,
                                                            "kv": {"sigma": 1, "max": 9}}}},
    "calls without a path": {"problems": {"lengths": {"calls": ""}}},
    "trace without a scheduler": {"problems": {"lengths": {"trace": "a.csv", "steps": 1}}},
    "trace without steps": {"problems": {"lengths": {"trace": "a.csv", "scheduler": {"token_budget": 1, "max_sequences": 1}}}},
    "no token budget": {"problems": {"lengths": {"trace": "a.csv", "steps": 1,
                                                 "scheduler": {"token_budget": 0, "max_sequences": 1}}}},
    "more hits than all": {"problems": {"lengths": {"trace": "a.csv", "steps": 1, "scheduler": {
        "token_budget": 1, "max_sequences": 1, "prefix_hits": 2}}}},
    "cache of no form": {"problems": {"kv": "paged"}},
    "unknown cache": {"problems": {"kv": {"layout": "tree"}}},
    "pages without a size": {"problems": {"kv": {"layout": "paged"}}},
    "unknown order": {"problems": {"kv": {"layout": "paged", "page_size": 1, "order": "random"}}},
    "prefix of one": {"problems": {"kv": {"layout": "paged", "page_size": 1, "shared_prefix": {"sequences": 1, "keys": 1}}}},
    "number for sinks": {"problems": {"sinks": 1}},
    "empty selector": {"problems": {}, "variants": []},
    "empty glob": {"problems": {}, "variants": [""]},
    "lone exclamation mark": {"problems": {}, "variants": ["!"]},
    "empty filter": {"problems": {}, "variants": [{}]},
    "unknown attribute": {"problems": {}, "variants": [{"famly": "x"}]},
    "text for a tile": {"problems": {}, "variants": [{"block_q": "32"}]},
    "unknown device": {"problems": {}, "device": "gpu"},
    "negative seed": {"problems": {}, "seed": -1},
    "slash in the name": {"problems": {}, "name": "a/b"},
    "unknown check key": {"problems": {}, "check": {"factor": 2}},
    "unknown depth": {"problems": {}, "check": {"depth": "deeper"}},
    "zero factor": {"problems": {}, "check": {"yardstick_factor": 0}},
    "clock that is no word": {"problems": {}, "measure": {"clocks": ["Hot 1"]}},
    "clock named twice": {"problems": {}, "measure": {"clocks": ["hot", "hot"]}},
    "no samples": {"problems": {}, "measure": {"min_samples": 0}},
    "width above one": {"problems": {}, "measure": {"relative_width": 2}},
    "no budget": {"problems": {}, "measure": {"budget_s": 0}},
    "unknown pacing": {"problems": {}, "measure": {"pacing": "brust"}},
    "negative warm-up": {"problems": {}, "measure": {"warmup_s": -1}},
    "no format": {"problems": {}, "report": {"formats": []}},
    "unknown format": {"problems": {}, "report": {"formats": ["xml"]}},
    "unknown search": {"problems": {}, "tune": {"search": "guess"}},
    "no candidate": {"problems": {}, "tune": {"max_candidates": 0}},
    "unknown limit": {"problems": {}, "tune": {"limits": {"warps": 4}}},
    "negative limit": {"problems": {}, "tune": {"limits": {"smem_bytes": -1}}},
    "number for a table": {"problems": {}, "tuned_table": 1},
    "list at the root": [],
}

# The schema does not know the words.
ONLY_THE_PROGRAM_REJECTS = {
    "unknown clock": {"problems": {}, "measure": {"clocks": ["warm"]}},
}


class Schema(BenchTest):
    def setUp(self):
        self.validator = schema_validator("config.schema.json")

    def parse(self, config, *flags):
        return run("--config", "-", "--dry-run", *flags, stdin=json.dumps(config))

    def test_shipped_configs_are_valid(self):
        configs = sorted((SOURCE / "configs").glob("*.json"))
        self.assertGreaterEqual(len(configs), 5)
        for path in configs:
            with self.subTest(path.name):
                self.validator.validate(json.loads(path.read_text()))

    def test_both_accept(self):
        for name, config in RIGHT.items():
            with self.subTest(name):
                self.assertTrue(self.validator.is_valid(config))
                self.assert_ok(self.parse(config, "--device", "cpu"))

    def test_both_reject(self):
        for name, config in WRONG.items():
            with self.subTest(name):
                self.assertFalse(self.validator.is_valid(config))
                self.assert_error(self.parse(config), 2)

    def test_only_the_program_rejects(self):
        for name, config in ONLY_THE_PROGRAM_REJECTS.items():
            with self.subTest(name):
                self.assertTrue(self.validator.is_valid(config))
                self.assert_error(self.parse(config), 2)


if __name__ == "__main__":
    unittest.main()
