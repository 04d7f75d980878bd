"""Pairs of results and what compare has to say of them. Made from fixed seeds rather than kept: a pair is a few words
here and a hundred kilobytes as a file. test_compare.py writes and compares them."""

import copy
import dataclasses
import json
import math
import random

FAMILIES = ("scalar", "wmma", "wmma_async", "mma", "wgmma")
ROW = "mma/fp16_d64_q64_kv64_w4_s2"  # the one that one-row pairs change, on the first problem
OK, REGRESSION, USAGE, CANNOT_TELL = 0, 1, 2, 3


def statistics(samples):
    """The order statistics of a timing; compare goes by the samples alone."""
    finite = sorted(value for value in samples if not isinstance(value, str))
    middle = finite[len(finite) // 2] if finite else 1.0
    return {"median": middle, "p10": middle, "p90": middle, "ci95": [middle, middle], "n": len(samples),
            "samples": samples}


class Machine:
    """Takes results: rows scatter by themselves, all rows of a run shift together."""

    def __init__(self, seed, row=0.003, common=0.003, sample=0.004, samples=15):
        self.random = random.Random(seed)
        self.row, self.common, self.sample, self.samples = row, common, sample, samples

    def file(self, slowdown=lambda row: 1.0):
        shift = self.random.gauss(0, self.common)
        records = []
        for seq in (512, 1024):
            for place, family in enumerate(FAMILIES):
                for block_q in (16, 32, 64, 128):
                    records.append(self.record(seq, family, block_q, 8.0 + 10 * place + block_q / 16, shift))
                    for timing in records[-1]["timing"].values():
                        factor = slowdown(records[-1])
                        timing.update(statistics([us * factor for us in timing["samples"]]))
        return {"schema_version": 1, "environment": environment(), "config": {}, "records": records}

    def record(self, seq, family, block_q, us, shift):
        us *= math.exp(shift + self.random.gauss(0, self.row))
        samples = [us * math.exp(self.random.gauss(0, self.sample)) for _ in range(self.samples)]
        return {"problem": {"name": f"seed_q{seq}", "batch": 1, "heads_q": 8, "heads_kv": 8, "seq_q": seq,
                            "seq_kv": seq, "head_dim": 64, "dtype": "fp16", "scale": 0.125},
                "variant": f"{family}/fp16_d64_q{block_q}_kv64_w4_s2", "family": family, "backend": "cuda",
                "spec": {"dtype": "fp16", "head_dim": 64, "block_q": block_q, "block_kv": 64, "num_warps": 4,
                         "num_stages": 2},
                "status": "ok", "code_hash": "0" * 16, "timing": {"hot_us": statistics(samples)}}


def environment():
    return {"time": "2026-01-31T12:00:00Z", "version": "0.1.0",
            "device": {"backend": "cuda", "name": "NVIDIA H100 80GB HBM3"},
            "nvml": {"driver_version": "580.1", "max_sm_clock_mhz": 1980.0, "power_limit_w": 700.0}}


def is_row(record):
    return record["variant"] == ROW and record["problem"]["name"] == "seed_q512"


def the_row(file):
    return next(record for record in file["records"] if is_row(record))


def one_row(factor):
    return lambda record: factor if is_row(record) else 1.0


def one_family(factor):
    return lambda record: factor if record["family"] == "mma" else 1.0


def every_row(factor):
    return lambda record: factor


@dataclasses.dataclass
class Pair:
    """Files of both sides (text, or what to dump as JSON), the exit code, the verdict of ROW on seed_q512 (None: it is
    not listed), how many rows have other verdicts than `same` (None: any number), and words of the output."""
    base: list
    new: list
    code: int
    row: str = "same"
    others: int = 0
    says: tuple = ()
    arguments: tuple = ()
    policy: dict = None


def noisy(seed, new=every_row(1.0), base=every_row(1.0), runs=1, **noise):
    """Runs of two builds whose kernels all differ."""
    machine = Machine(seed, **noise)
    return with_code(([machine.file(base) for _ in range(runs)], [machine.file(new) for _ in range(runs)]),
                     every_row(True))


def with_code(pair, changed=lambda record: False):
    """Machine code hashes on all rows; those of changed rows differ."""
    for side, files in enumerate(pair):
        for file in files:
            for record in file["records"]:
                record["code_hash"] = "1" * 16 if side and changed(record) else "0" * 16
    return pair


def foreign_row(pair):
    """The one row is a peer's, without a machine code hash; all others have equal ones."""
    for files in with_code(pair):
        for file in files:
            del the_row(file)["code_hash"]
            the_row(file)["role"] = "peer"
    return pair


def changed_row(seed, change, **noise):
    """Two noisy runs, the second with a change to the one row."""
    base, new = noisy(seed, **noise)
    change(the_row(new[0]))
    return base, new


def changed_base_row(seed, change):
    base, new = noisy(seed)
    change(the_row(base[0]))
    return base, new


def changed_file(seed, change, new=every_row(1.0)):
    base, new = noisy(seed, new)
    change(new[0])
    return base, new


def failing(status):
    def change(record):
        record.update(status=status, reason="for this test")
        del record["timing"]
    return change


def samples(values):
    def change(record):
        record["timing"]["hot_us"] = statistics(values(record["timing"]["hot_us"]["samples"]))
    return change


def throttle(file, mhz=None):
    """At the power cap in most samples; the clock of the samples, where it is told."""
    for record in file["records"]:
        timing = record["timing"]["hot_us"]
        timing["throttled_samples"] = 12
        if mhz is not None:
            timing["sm_clock_mhz"] = [mhz] * len(timing["samples"])


def faster_at_the_limit(seed):
    """Most rows are at the power limit and 4 % faster; the one row and its neighbours are below it and as fast as before."""
    def is_below(record):
        return record["family"] == "mma" and record["problem"]["name"] == "seed_q512"

    def throttle_most(file):
        throttle({"records": [record for record in file["records"] if not is_below(record)]})

    return both(with_code(noisy(seed, lambda record: 1.0 if is_below(record) else 0.96), is_row), throttle_most)


def wild(seed):
    """Three runs a side, in which the one row jumps from run to run."""
    base, new = noisy(seed, runs=3)
    for files, factors in ((base, (1.0, 0.97, 1.01)), (new, (1.0, 1.05, 1.03))):
        for file, factor in zip(files, factors):
            samples(lambda us, factor=factor: [factor * x for x in us])(the_row(file))
    return base, new


def clock(mhz):
    def change(file):
        for record in file["records"]:
            record["telemetry"] = {"readings": 3, "sm_clock_mhz": {"min": mhz, "median": mhz, "max": mhz},
                                   "throttle_reasons": []}
    return change


def both(pair, change):
    for files in pair:
        for file in files:
            change(file)
    return pair


def drop_row(file):
    file["records"].remove(the_row(file))


def text_of_new(seed, spoil):
    base, new = noisy(seed)
    return base, [spoil(json.dumps(new[0]))]


def allowing(until):
    return {"allowed": [{"problem": "seed_q512", "variant": ROW, "reason": "rewritten, tuned next", "until": until}]}


def rename_problems(file):
    for record in file["records"]:
        record["problem"]["name"] = "renamed_" + record["problem"]["name"]


def on_cpu(file):
    file["environment"]["device"] = {"backend": "cpu", "name": "a processor"}
    for record in file["records"]:
        record["backend"] = "cpu"


def only_cold(file):
    for record in file["records"]:
        record["timing"]["cold_us"] = record["timing"].pop("hot_us")


def identical(seed, **noise):
    base, _ = noisy(seed, **noise)
    return base, copy.deepcopy(base)


def clocks_apart(seed):
    base, new = noisy(seed)
    clock(1980.0)(base[0])
    clock(1755.0)(new[0])
    return base, new


def repeats_in_one_file(seed):
    base, new = noisy(seed, one_row(1.05), runs=4)
    for side in (base, new):
        for file in side[1:]:
            side[0]["records"] += file["records"]
        del side[1:]
    return base, new


def all_pairs():
    """Name to Pair."""
    def device(name):
        return lambda file: file["environment"]["device"].update(name=name)

    def nvml(**values):
        return lambda file: file["environment"]["nvml"].update(values)

    return {
        "identical": Pair(*identical(1), OK),
        "identical_with_one_sample": Pair(*identical(1, samples=1), OK),
        "foreign_row_three_percent": Pair(*foreign_row(noisy(60, one_row(1.03))), OK),
        "foreign_row_six_percent": Pair(*foreign_row(noisy(60, one_row(1.06))), CANNOT_TELL, "unclear"),
        "foreign_row_thirty_percent": Pair(*foreign_row(noisy(61, one_row(1.3))), REGRESSION, "slower"),
        "same_noise": Pair(*noisy(2), OK),
        "same_noise_three_runs": Pair(*noisy(3, runs=3), OK, says=("repeated runs",)),
        "more_noise_than_stated": Pair(*noisy(4, row=0.008), OK),
        "one_percent": Pair(*noisy(5, every_row(1.01), row=0.002, common=0.001), OK),
        "three_percent": Pair(*noisy(6, every_row(1.03)), REGRESSION, None, None, ("all rows", "slower")),
        "thirty_percent": Pair(*noisy(7, every_row(1.3)), REGRESSION, "slower", 39),
        "thirty_percent_faster": Pair(*noisy(8, every_row(0.7)), OK, "faster", 39),
        "one_row_thirty_percent": Pair(*noisy(9, one_row(1.3)), REGRESSION, "slower"),
        "one_row_three_percent_five_runs": Pair(*noisy(10, one_row(1.03), runs=5), REGRESSION, "slower"),
        "one_row_one_percent_five_runs": Pair(*noisy(11, one_row(1.01), runs=5), OK),
        "repeats_within_one_file": Pair(*repeats_in_one_file(12), REGRESSION, "slower"),
        "one_family_three_percent": Pair(
            *with_code(noisy(13, one_family(1.03)), lambda record: record["family"] == "mma"), REGRESSION, None, None,
            ("unchanged machine code drifted",)),
        "drift_of_unchanged_code": Pair(*with_code(noisy(14, every_row(1.05))), OK, says=("drifted by +4",)),
        "drift_at_the_limit_is_of_the_rows_there": Pair(*faster_at_the_limit(61), OK, says=(
            "36 rows at the power limit and of unchanged machine code drifted by", "taken out of the rest there")),
        "drift_beside_one_changed_row": Pair(*with_code(noisy(15, every_row(1.05)), is_row), OK),
        "unchanged_code_one_row_slower": Pair(*with_code(noisy(16, one_row(1.3))), OK),
        "unchanged_code_ignored": Pair(*with_code(noisy(17, one_row(1.3))), REGRESSION, "slower",
                                       arguments=("--ignore-code-hash",)),
        "bimodal": Pair(*changed_row(18, samples(lambda us: us[:7] + [1.5 * x for x in us[7:]])), CANNOT_TELL,
                        "unclear"),
        "one_outlier": Pair(*changed_row(19, samples(lambda us: us[:-1] + [50 * us[-1]])), OK),
        "right_tail": Pair(*changed_row(20, samples(lambda us: us[:12] + [1.5 * us[12], 2 * us[13], 4 * us[14]])),
                           OK),
        "one_sample": Pair(*changed_row(21, samples(lambda us: us[:1])), CANNOT_TELL, "unclear", says=("1 sample",)),
        "one_sample_in_every_row": Pair(*noisy(22, samples=1), CANNOT_TELL, "unclear", 39),
        "no_samples": Pair(*changed_row(23, samples(lambda us: [])), REGRESSION, "broken"),
        "nan_sample": Pair(*changed_row(24, samples(lambda us: us[:-1] + ["nan"])), REGRESSION, "broken"),
        "zero_sample": Pair(*changed_row(25, samples(lambda us: us[:-1] + [0.0])), REGRESSION, "broken"),
        "nan_in_base": Pair(*changed_base_row(26, samples(lambda us: us[:-1] + ["nan"])), CANNOT_TELL, "unclear"),
        "throttled_three_percent": Pair(*changed_file(27, throttle, every_row(1.03)), OK,
                                      says=("clocks held down", "0 rows against 40")),
        "hardly_throttled_three_percent": Pair(*changed_file(
            36, lambda file: throttle(file, 1965.0), every_row(1.03)), REGRESSION, None, None),
        "well_throttled_three_percent": Pair(*changed_file(
            36, lambda file: throttle(file, 1755.0), every_row(1.03)), OK, says=("clocks held down",)),
        "one_row_jumps_in_three_runs": Pair(*wild(37), OK),
        "throttled_thirty_percent": Pair(*changed_file(28, throttle, every_row(1.3)), REGRESSION, None, None),
        "throttled_strict": Pair(*changed_file(29, throttle), CANNOT_TELL, says=("--strict",),
                                 arguments=("--strict",)),
        "other_device": Pair(*changed_file(30, device("NVIDIA L4")), OK,
                             says=("device: NVIDIA H100 80GB HBM3 against NVIDIA L4",)),
        "other_device_strict": Pair(*changed_file(31, device("NVIDIA L4"), every_row(1.3)), CANNOT_TELL, "slower", 39,
                                    arguments=("--strict",)),
        "other_driver_strict": Pair(*changed_file(32, nvml(driver_version="590.2")), CANNOT_TELL, says=("driver:",),
                                    arguments=("--strict",)),
        "other_power_limit": Pair(*changed_file(33, nvml(power_limit_w=350.0)), OK, says=("power limit",)),
        "other_clocks": Pair(*clocks_apart(34), OK, says=("1980 against 1755 MHz",)),
        "strict_and_equal": Pair(*noisy(35), OK, arguments=("--strict",)),
        "missing_row": Pair(*changed_file(36, drop_row), REGRESSION, "missing"),
        "missing_row_does_not_fail": Pair(*changed_file(37, drop_row), OK, "missing",
                                          arguments=("--fail-on", "slower,broken")),
        "new_row": Pair(*reversed(changed_file(38, drop_row)), OK, "new"),
        "incorrect": Pair(*changed_row(39, failing("incorrect")), REGRESSION, "broken", says=("for this test",)),
        "crashed": Pair(*changed_row(40, failing("crashed")), REGRESSION, "broken"),
        "no_longer_supported": Pair(*changed_row(41, failing("unsupported")), REGRESSION, "broken"),
        "repaired": Pair(*changed_base_row(42, failing("incorrect")), OK, "new", says=("was incorrect",)),
        "incorrect_on_both_sides": Pair(*[[file] for file in map(
            lambda files: (failing("incorrect")(the_row(files[0])), files[0])[1], noisy(43))], OK),
        "allowed": Pair(*noisy(44, one_row(1.3)), OK, "slower", says=("allowed: rewritten",),
                        policy=allowing("2999-12-31")),
        "allowance_expired": Pair(*noisy(45), REGRESSION, says=("ended on 2020-01-31",), policy=allowing("2020-01-31")),
        "within_its_tolerance": Pair(*noisy(46, one_row(1.3)), OK,
                                     policy={"tolerances": [{"variant": "mma/*", "effect": 0.5}]}),
        "beyond_its_tolerance": Pair(*noisy(47, one_row(1.3)), REGRESSION, "slower",
                                     policy={"tolerances": [{"problem": "seed_q1024", "effect": 0.5}]}),
        "no_row_in_common": Pair(*changed_file(48, lambda file: file["records"].clear()), CANNOT_TELL, "missing", 39,
                                 arguments=("--fail-on", "slower")),
        "no_clock_in_common": Pair(*changed_file(49, only_cold), CANNOT_TELL, "unclear", 39,
                                   says=("nothing to compare",)),
        "no_records": Pair(*both(noisy(50), lambda file: file["records"].clear()), CANNOT_TELL, None),
        "renamed_problem": Pair(*changed_file(51, rename_problems), OK, None),
        "cpu_five_percent": Pair(*both(noisy(52, every_row(1.05), row=0.01, common=0.01), on_cpu), OK, None, None),
        "truncated_file": Pair(*text_of_new(53, lambda text: text[:len(text) // 2]), USAGE),
        "other_schema_version": Pair(*changed_file(54, lambda file: file.update(schema_version=2)), USAGE,
                                     says=("/schema_version",)),
        "nan_that_is_no_json": Pair(*text_of_new(55, lambda text: text.replace('"n": 15', '"n": NaN', 1)), USAGE),
        "empty_file": Pair(*text_of_new(56, lambda text: ""), USAGE),
        "no_json_in_the_folder": Pair(noisy(57)[0], [], USAGE, says=("holds no .json file",)),
    }
