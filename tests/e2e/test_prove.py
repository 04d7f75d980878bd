"""scripts/prove.py: its calculations on invented results, its command line, and a step on the CPU."""

import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from bench import SOURCE, BenchTest, run

sys.path.insert(0, str(SOURCE / "scripts"))

from proof import cheats, claims, correctness, hostile, repeats, slowdowns, speed, tuning  # noqa: E402  (through that path)
from proof.program import Program as Folder  # noqa: E402  (through that path)

SCRIPT = SOURCE / "scripts" / "prove.py"
BUILD = pathlib.Path(os.environ["FLASHCORE_BENCH"]).parent


def prove(*arguments):
    return subprocess.run([sys.executable, SCRIPT, *map(str, arguments)], capture_output=True, text=True, check=False)


def record(problem, variant, us):
    """On a problem of 16 MFLOP."""
    return {"problem": {"name": problem}, "variant": variant, "family": variant.split("/")[0], "tflops": 16 / us,
            "timing": {"hot_us": {"median": us}}}


def sweep(choices):
    """`choices` holds the winner and its ties of each problem."""
    made = tuning.Sweep.__new__(tuning.Sweep)
    made.entries = {problem: {"winner": {"variant": winner}, "ties": [{"variant": tie} for tie in ties]}
                    for problem, (winner, *ties) in choices.items()}
    return made


def timing(median, half, n=15, throttled=0):
    return {"median": median, "ci95": [median - half, median + half], "n": n, "throttled_samples": throttled}


class DispatchSums(unittest.TestCase):
    def loss(self, auto, default, best):
        def row(variant, us, **more):
            return {"variant": variant, "timing": {"hot_us": {"median": us, "ci95": [us - 0.1, us + 0.1]}}, **more}
        chosen = row("a", auto, reason="auto: interpolated from p, t.json")
        return tuning.Loss([chosen, row("d", default), row("b", best)], "d")

    def test_losses_are_over_the_best(self):
        loss = self.loss(11, 20, 10)
        self.assertAlmostEqual(loss.auto, 0.1)
        self.assertAlmostEqual(loss.default, 1)
        self.assertFalse(loss.is_slower)
        self.assertTrue(self.loss(11, 10, 10).is_slower)
        self.assertFalse(self.loss(10.1, 10, 10).is_slower, "noise")

    def test_claims(self):
        found = {"p": self.loss(10.4, 20, 10), "q": self.loss(10, 20, 10)}
        worst, mean, slower = tuning.dispatch_claims(found, ["interpolated", "default"], "dispatch: worst +1.0 %")
        self.assertEqual((worst.got, worst.held, mean.got, mean.held, slower.held), ("4 %", True, "2 %", False, True))
        self.assertIn("2 problems, 1 of them interpolated (p)", worst.text)

    def test_choices_that_cannot_be_told_apart_do_not_differ(self):
        rivals = [{"variant": name, "timing": {"hot_us": timing(us, 1)}} for name, us in (("a", 10), ("b", 11), ("c", 20))]
        self.assertFalse(tuning.can_be_told_apart(rivals, "a", "b"))
        self.assertFalse(tuning.can_be_told_apart(rivals, "a", "a"))
        self.assertTrue(tuning.can_be_told_apart(rivals, "c", "a"))

    def test_problems_are_seeded_and_within_their_range(self):
        one = tuning.seeded_problems("cpu", 20, 1)
        self.assertEqual(one, tuning.seeded_problems("cpu", 20, 1))
        self.assertNotEqual(one, tuning.seeded_problems("cpu", 20, 2))
        self.assertEqual(len(one), 20)
        for problem in one.values():
            self.assertLessEqual(problem["batch"], 8)
            self.assertIn(problem["seq_q"], (1, problem["seq_kv"]))


class RepeatSums(unittest.TestCase):
    def rows(self, *timings):
        return repeats.rows_of([[{"problem": {"name": "p"}, "variant": "v", "timing": {"hot_us": one}}]
                                for one in timings])

    def test_an_interval_holds_the_median_of_the_other_runs(self):
        row = self.rows(timing(100, 1), timing(100.5, 1), timing(104, 1))[("p", "v", "hot")]
        self.assertEqual(list(row.covered()), [False, False, False])  # others: 102.25, 102, 100.25
        row = self.rows(timing(100, 1), timing(100.5, 1), timing(101, 1))[("p", "v", "hot")]
        self.assertEqual(list(row.covered()), [True, True, True])

    def test_a_row_that_a_run_lacks_is_left_out(self):
        runs = [[{"problem": {"name": "p"}, "variant": "v", "timing": {"hot_us": timing(1, 0)}}], []]
        self.assertEqual(repeats.rows_of(runs), {})

    def test_limits_go_by_the_power_limit_and_the_size(self):
        def limits(*timings):
            return repeats.spread_limit(self.rows(*timings)[("p", "v", "hot")])
        self.assertEqual(limits(timing(10, 1)), 0.01)
        self.assertEqual(limits(timing(100, 1)), 0.005)
        self.assertEqual(limits(timing(100, 1), timing(100, 1, throttled=8)), 0.015)

    def test_spreads_are_held_against_nvbench(self):
        rows = self.rows(timing(100, 1, throttled=15), timing(101, 1, throttled=15))
        bench = [[{"problem": "p", "cold_us": us, "batch_us": us}] for us in (200, 204)]
        self.assertTrue(all(claim.held for claim in repeats.nvbench_claims(rows, bench)))
        steady = [[{"problem": "p", "cold_us": us, "batch_us": us}] for us in (200, 200.1)]
        self.assertFalse(any(claim.held for claim in repeats.nvbench_claims(rows, steady)))
        self.assertIsNone(repeats.nvbench_claims(rows, [])[0].held)


class HostileSums(unittest.TestCase):
    def records(self, **changes):
        status = {number: min(allowed) for number, (_, allowed) in hostile.ATTACKS.items()}
        status.update({int(key[2:]): value for key, value in changes.items()})
        return [{"variant": hostile.variant(number), "status": found, "reason": "so it is"}
                for number, found in status.items()]

    def test_each_attack_has_a_status_of_its_own(self):
        self.assertEqual(hostile.surprises(self.records()), [])
        self.assertEqual(hostile.surprises(self.records(kv2="ok")), ["an illegal address: ok"])
        self.assertEqual(hostile.surprises(self.records()[1:]), ["none: no record"])
        silent = [{**record, "reason": ""} for record in self.records()]
        self.assertIn("an endless kernel: timeout", hostile.surprises(silent))

    def test_the_others_must_be_there_and_timed(self):
        other = {"variant": "mma/v", "status": "ok", "timing": {"hot_us": {"median": 1}}}
        self.assertTrue(all(claim.held for claim in hostile.claims_of("run", [*self.records(), other])))
        for others in ([], [{"variant": "mma/v", "status": "error"}]):
            self.assertFalse(hostile.claims_of("run", [*self.records(), *others])[1].held)

    def test_the_attacks_are_those_of_the_source(self):
        source = (SOURCE / "tests" / "hostile" / "hostile_cuda_plugin.cu").read_text()
        names = source.partition("enum Deed")[2].partition("};")[0].count("\n  k")
        self.assertEqual(names, len(hostile.ATTACKS))


class Sums(unittest.TestCase):
    def test_a_value_at_its_limit_passes(self):
        self.assertTrue(claims.at_most("s", "t", 2.0, 2).held)
        self.assertFalse(claims.at_most("s", "t", 2.01, 2).held)
        self.assertTrue(claims.at_least("s", "t", 1.05, 1.05).held)
        self.assertFalse(claims.at_least("s", "t", float("nan"), 1.05).held)

    def test_table_marks_failed_claims(self):
        lines = claims.table([claims.Claim("a", "b", "c", "d", held) for held in (True, False, None)]).splitlines()
        self.assertEqual([line.split()[-1] for line in lines], ["holds", "yes", "NO", "?"])

    def test_races_agree_when_a_winner_is_among_the_others_choices(self):
        one = sweep({"p": "ab", "q": "a", "r": "a"})
        other = sweep({"p": "b", "q": "ba", "r": "b"})
        self.assertAlmostEqual(tuning.agreement(one, other), 2 / 3)

    def test_a_problem_without_a_winner_in_one_race_is_no_agreement(self):
        self.assertEqual(tuning.agreement(sweep({"p": "a"}), sweep({"p": "a", "q": "a"})), 0.5)

    def test_auto_is_behind_the_fastest_beside_it(self):
        chosen = {**record("p", "mma/b", 11.0), "reason": "auto: exact, a table"}
        losses = tuning.losses([record("p", "mma/a", 10.0), chosen, record("q", "mma/a", 1.0)])
        self.assertAlmostEqual(losses["p"], 0.1)
        self.assertEqual(losses["q"], math.inf)

    def test_speed_ups_are_of_the_fastest_of_each(self):
        table = speed.Table([record("p", "mma/a", 4.0), record("p", "mma/b", 2.0), record("p", "wgmma/a", 5.0),
                             record("p", "peer_torch_flash/a", 6.0), record("p", "peer_torch_cudnn/a", 3.0),
                             {"problem": {"name": "p"}, "variant": "mma/c", "family": "mma"}])
        self.assertEqual(table.time("p", "mma"), 2.0)
        self.assertEqual(table.time("p", "wgmma"), 5.0)
        self.assertEqual(table.best_peer("p"), 3.0)
        self.assertEqual(table.tflops("p", "mma"), 8.0)
        self.assertEqual(speed.every("t", table, ["p"], 1, peer="peer_torch_flash").got, "3x")
        self.assertAlmostEqual(speed.geometric_mean([2.0, 8.0]), 4.0)

    def test_a_claim_without_times_fails(self):
        table = speed.Table([record("p", "mma/a", 2.0), record("p", "peer_torch_flash/a", 6.0),
                             record("q", "mma/a", 2.0), record("r", "peer_torch_flash/a", 6.0)])
        self.assertTrue(speed.every("t", table, ["p"], 1).held)
        self.assertFalse(speed.every("t", table, ["p", "q"], 1).held)  # no peer
        self.assertFalse(speed.every("t", table, ["p", "r"], 1).held)  # none of ours
        self.assertFalse(speed.every("t", table, [], 1).held)
        self.assertEqual([claim.held for claim in speed.ahead("t", {"p": 3.0, "r": 0.0}, 1, 1)], [False, False])
        self.assertFalse(any(claim.held for claim in speed.mma_claims(table) + speed.wgmma_claims(table)))

    def test_no_run_is_on_both_sides(self):
        runs = list(range(6))
        for left, right in slowdowns.draws(20, runs, runs):
            self.assertEqual(sorted(left + right), runs)


class GateClaims(unittest.TestCase):
    RUNS = {"ci": [list(range(8)), list(range(8, 14))], "peers": [list(range(20, 26)), []]}

    class Gate:
        """Gives the same verdict on every pair."""

        def __init__(self, code, verdict):
            self.answer = code, {(late.problem, late.variant): verdict for late in slowdowns.LATE_ROWS}

        def verdict(self, _base, _new):
            return self.answer

    def seen(self, *answer):
        return [claim.held for claim in slowdowns.seen_claims(self.Gate(*answer), self.RUNS, 5, "")]

    def test_a_slow_down_is_seen_in_its_own_row(self):
        self.assertEqual(self.seen(1, "slower"), [True] * len(slowdowns.LATE_ROWS))
        self.assertEqual(self.seen(1, "same"), [False] * len(slowdowns.LATE_ROWS))
        self.assertEqual(self.seen(3, "slower"), [False] * len(slowdowns.LATE_ROWS))

    def test_configs_without_late_runs_have_no_such_claim(self):
        self.assertEqual(list(slowdowns.seen_claims(self.Gate(1, "slower"), {"peers": self.RUNS["peers"]}, 5, "")), [])

    def test_false_alarms_of_all_configs_count_together(self):
        def alarms(code):
            return slowdowns.false_alarms(self.Gate(code, "same"), self.RUNS, lambda base: [([base[0]], [base[1]])], "", "")
        self.assertTrue(alarms(0).held)
        self.assertIn("ci 1 of 1, peers 1 of 1", alarms(1).text)
        self.assertFalse(alarms(1).held)


class Program(BenchTest):
    def test_bad_arguments(self):
        for arguments, word in ((["dep"], "dep"), (["--scale", "0"], "--scale"), (["--build", "/none"], "--build")):
            result = prove("--build", BUILD, *arguments)
            self.assertEqual(result.returncode, 2, result.stderr)
            self.assertIn(word, result.stderr.splitlines()[-1])

    def test_a_step_on_the_cpu(self):
        with tempfile.TemporaryDirectory() as folder:
            result = prove("--build", BUILD, "--device", "cpu", "--scale", "0.01", "--output", folder, "seed")
            self.assertIn(result.returncode, (0, 1), result.stderr)  # a CPU has fewer than 40 variants
            content = json.loads(pathlib.Path(folder, "claims.json").read_text())
        self.assertIn("git", content["environment"])
        tried = content["claims"][0]
        self.assertEqual((tried["step"], tried["held"]), ("seed", False))
        self.assertGreater(int(tried["got"]), 4)

    def test_a_right_kernel_that_is_called_wrong_is_an_alarm(self):
        def row(status):
            return {"problem": {"name": "p"}, "variant": "mma/a", "status": status, "reason": "why"}
        self.assertTrue(correctness.alarm_claim([row("ok"), row("unsupported")], "5 passes").held)
        self.assertFalse(correctness.alarm_claim([row("unsupported")], "5 passes").held)  # nothing was tried
        alarm = correctness.alarm_claim([row("ok"), row("suspect")], "5 passes")
        self.assertFalse(alarm.held)
        self.assertIn("1 ok, 1 suspect; first: p, mma/a: why", alarm.got)

    def test_a_step_goes_on_with_the_runs_that_are_there(self):
        with tempfile.TemporaryDirectory() as folder:
            arguments = ("--build", BUILD, "--device", "cpu", "--scale", "0.1", "--output", folder, "alarms")
            first = prove(*arguments)
            self.assertEqual(first.returncode, 0, first.stdout + first.stderr)
            made = {path: path.stat().st_mtime_ns for path in pathlib.Path(folder, "alarms").glob("*.json")}
            next(iter(made)).with_suffix(".log").unlink()
            self.assertEqual(prove(*arguments, "--jobs", "2").returncode, 0)
            again = [path for path, when in made.items() if path.stat().st_mtime_ns != when]
        self.assertEqual(again, [next(iter(made))])

    def test_no_kernel_gets_away_without_its_work(self):
        with tempfile.TemporaryDirectory() as folder:
            result = prove("--build", BUILD, "--device", "cpu", "--output", folder, "faults")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertEqual(result.stdout.count("kernels that do not do their work"), len(cheats.SEQUENCES["cpu"]))

    def test_a_cheat_that_is_ok_and_fast_has_escaped(self):
        def row(number, status, us):
            return {"variant": f"cheat/fp16_d64_kv{number}", "status": status, "timing": {"hot_us": {"median": us}}}
        known = {1: "Honest", 2: "Skips"}
        self.assertEqual(cheats.escapes([row(1, "ok", 10.0), row(2, "suspect", 1.0)], known), [])
        self.assertEqual(cheats.escapes([row(1, "ok", 10.0), row(2, "ok", 10.0)], known), [])
        self.assertEqual(cheats.escapes([row(1, "ok", 10.0), row(2, "ok", 1.0)], known),
                         ["Skips: ok at 1 us (honest: 10)"])
        self.assertEqual(cheats.escapes([row(1, "suspect", 10.0), row(2, "suspect", 1.0)], known),
                         ["Honest: suspect"])

    def test_a_step_that_cannot_run_is_reported(self):
        with tempfile.TemporaryDirectory() as folder:
            result = prove("--build", BUILD, "--device", "cuda:99", "--output", folder, "ci")
            claim = json.loads(pathlib.Path(folder, "claims.json").read_text())["claims"][0]
        self.assertEqual(result.returncode, 4, result.stderr)
        self.assertIsNone(claim["held"])
        self.assertIn("ended with 4", claim["got"])

    def test_a_run_of_the_gate_has_the_planted_rows(self):
        program = Folder(source=SOURCE, build=BUILD, folder=pathlib.Path(), device="cpu")
        config = slowdowns.with_planted(program, slowdowns.ladder_config(program))
        output = self.assert_ok(run("--plugin", os.environ["FLASHCORE_PLANTED_PLUGIN"], "--device", "cpu", "--config", "-",
                                    "--dry-run", stdin=json.dumps(config)))
        for wanted in (slowdowns.ON_TIME, slowdowns.ON_TIME_SMALL, *(late.variant for late in slowdowns.LATE_ROWS)):
            self.assertIn(f"{wanted} ", output)

    def test_the_planted_plugin_is_correct(self):
        output = self.assert_ok(run("--plugin", os.environ["FLASHCORE_PLANTED_PLUGIN"], "--device", "cpu", "--problem",
                                    "heads_q=2,seq_q=33,head_dim=64:128", "--variants", "planted/*", "--check-only"))
        self.assertEqual(output.count(" ok\n"), 8, output)


if __name__ == "__main__":
    unittest.main()
