"""Is nothing of a fleet's sweep lost or mixed when nodes die, shards run twice, clocks differ and another model joins?

The fleet is a Slurm on this machine. Its nodes play cards by FLASHCORE_PLAYED_CARD (src/device/played_card.hpp).
"""

import json
import re
import subprocess
import tempfile

from . import slurm
from .claims import Claim, at_least
from .program import StepError

SHARDS, LEAST_SHARDS = 200, 60
MODEL, OTHER_MODEL = "Card A", "Card B"
CARDS = {"n1": f"{MODEL}@1980", "n2": f"{MODEL}@1980", "n3": f"{MODEL}@1980", "n4": f"{MODEL}@1980",
         "slow": f"{MODEL}@1200", "other": f"{OTHER_MODEL}@1980"}
DIES = "n2"
LOST_TASKS = 3  # cancelled before they begin
TWICE = 7       # the shard that three tasks run


class Journal:
    """The lines of a shard's journal; the last one is left out where it is not complete."""

    def __init__(self, path):
        self.path = path
        self.shard = int(re.search(r"-shard(\d+)-", path.name)[1])
        self.lines = path.read_text(encoding="utf-8").split("\n")[:-1]

    @property
    def device(self):
        return json.loads(self.lines[0])["tune_journal"]["device"]

    @property
    def records(self):
        return [json.loads(line) for line in self.lines[1:]]

    @property
    def finalists(self):
        return [line["record"] for line in self.records if line["finalist"]]


class Fleet:
    def __init__(self, program, cluster):
        self.folder = program.folder.resolve()
        self.script = program.source / "scripts" / "slurm_tune.sh"
        self.cluster = cluster
        self.shards = max(program.count(SHARDS), LEAST_SHARDS)
        self.output = self.folder / "fleet"
        self.config = self.folder / "tiny.json"
        self.config.write_text(json.dumps(config(self.shards)), encoding="utf-8")
        self.bench = self.folder / "bench-of-node"
        self.bench.write_text(wrapper(program.bench.resolve()), encoding="utf-8")
        self.bench.chmod(0o755)
        self.environment = {**cluster.environment, "FLASHCORE_BENCH": str(self.bench), "OMP_NUM_THREADS": "1"}

    def start(self, name, *sbatch_options):
        """The command that a user gives; NAME.log has what it says."""
        with (self.folder / f"{name}.log").open("w", encoding="utf-8") as log:
            return subprocess.Popen(
                [self.script, str(self.shards), self.output, "--config", self.config, "--device", "cpu", "--quiet", "--",
                 f"--output={self.folder}/task-%a.out", "--open-mode=append", *sbatch_options],
                env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def submit(self, shard, name, *options):
        """A task for a shard, beside those of the command."""
        sbatch = ["sbatch", f"--array={shard}", f"--job-name={name}", f"--output={self.folder}/{name}.out", *options,
                  self.script.with_suffix(".sbatch"), self.output, "--config", self.config, "--device", "cpu", "--quiet"]
        subprocess.run(list(map(str, sbatch)), env={**self.environment, "FLASHCORE_SHARDS": str(self.shards)},
                       stdout=subprocess.DEVNULL, check=True)

    def journals(self):
        paths = self.folder.glob("fleet-shard*.journal.jsonl")
        return [journal for journal in map(Journal, sorted(paths)) if journal.lines]

    def table(self):
        return json.loads(self.output.with_suffix(".json").read_text(encoding="utf-8"))["tuned_table"]

    def lost_lines(self, before):
        """How many journal lines of `before` are no longer there."""
        now = {journal.path: set(journal.lines) for journal in self.journals()}
        return sum(line not in now.get(journal.path, ()) for journal in before for line in journal.lines)

    def foreign_entries(self):
        """Entries of the table whose winner no journal of the same device has, with the same time and clock."""
        measured = {(journal.device, record["problem"]["name"], record["variant"],
                     record["timing"]["hot_us"]["median"], record["telemetry"]["sm_clock_mhz"]["median"])
                    for journal in self.journals() for record in journal.finalists}
        return [entry for entry in self.table()
                if (entry["fingerprint"]["device"], entry["problem"]["name"], entry["winner"]["variant"],
                    entry["winner"]["median_us"], entry["sm_clock_mhz"]) not in measured]

    def undone(self):
        """The shards without finalists on the fleet's model. Each shard has one problem."""
        done = {journal.shard for journal in self.journals() if journal.device.startswith(MODEL) and journal.finalists}
        return set(range(1, self.shards + 1)) - done

    def doubles(self):
        """Finalists that a journal has twice, and entries that the table has twice."""
        keys = [(journal.path, record["problem"]["name"], record["variant"])
                for journal in self.journals() for record in journal.finalists]
        keys += [(entry["fingerprint"]["device"], entry["problem"]["name"]) for entry in self.table()]
        return len(keys) - len(set(keys))

    def log(self, name):
        return (self.folder / f"{name}.log").read_text(encoding="utf-8")


def config(problems):
    return {"name": "tiny", "variants": "cpu_*",
            "problems": [{"name": "p", "heads_q": 1, "seq_q": list(range(8, 8 + problems)), "head_dim": 64}],
            "measure": {"clocks": ["hot"], "min_samples": 3, "max_samples": 3, "budget_s": 0.2}}


def wrapper(bench):
    """A program that plays the card of the node that it runs on."""
    cases = "\n".join(f"  {node}) export FLASHCORE_PLAYED_CARD='{card}' ;;" for node, card in CARDS.items())
    return f'#!/bin/sh\ncase "${{SLURMD_NODENAME:-}}" in\n{cases}\nesac\nexec "{bench}" "$@"\n'


def shards_of(text):
    """The numbers of "1-3,7"."""
    numbers = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        numbers |= set(range(int(first), int(last or first) + 1))
    return numbers


def named_missing(text):
    """The shards that slurm_tune.sh names at its end."""
    found = re.search(r"^error: shards (\S+) of \d+ are missing", text, re.MULTILINE)
    return shards_of(found[1]) if found else set()


def disturb(fleet):
    """Plants the failures while the first command runs. Returns the journals before and how many tasks died."""
    cluster, shards = fleet.cluster, fleet.shards
    cluster.wait_until("tasks have begun", lambda: len(fleet.journals()) >= shards // 10)
    array = cluster.command("squeue", "--noheader", "--name=flashcore-tune", "--format=%F").split()[0]
    lost = ",".join(str(shards - i) for i in range(LOST_TASKS))
    cluster.command("scancel", f"{array}_[{lost}]")
    fleet.submit(TWICE, "late", "--nice=-100", "--exclude=other")

    def tasks_of_node():
        return cluster.command("squeue", "--noheader", f"--nodelist={DIES}", "--states=RUNNING", "--format=%A").split()
    cluster.wait_until("the node is at work", tasks_of_node)
    before = fleet.journals()
    return before, cluster.kill_node(DIES)


def passes(fleet):
    """Runs the fleet with failures, then the same command once more without the other model."""
    for name in ("at-once-1", "at-once-2"):
        fleet.submit(TWICE, name, "--exclude=other")
    first = fleet.start("first")
    before, died = disturb(fleet)
    first.wait()
    undone, named, middle = fleet.undone(), named_missing(fleet.log("first")), fleet.journals()
    second = fleet.start("second", "--exclude=other").wait()
    other = [journal for journal in fleet.journals() if journal.device.startswith(OTHER_MODEL)]
    slow = {path for path in re.findall(r"(\S+journal\.jsonl): \S.* ran at 1200 MHz", fleet.log("second"))}
    at_1200 = {str(journal.path) for journal in fleet.journals() if journal.finalists and all(
        record["telemetry"]["sm_clock_mhz"]["median"] == 1200 for record in journal.finalists)}
    own = [entry for entry in fleet.table() if entry["fingerprint"]["device"].startswith(MODEL)]

    def claim(text, wanted, got):
        return Claim("fleet", text, str(wanted), str(got), wanted == got)
    return [
        at_least("fleet", "processes of tasks that died with their node", died, 1),
        at_least("fleet", "shards that went to a card of another model", len(other), 1),
        at_least("fleet", "shards at another clock", len(at_1200), 1),
        claim("shards that are named as missing after the first command", sorted(undone), sorted(named)),
        at_least("fleet", "missing shards after it", len(undone), LOST_TASKS),
        claim("exit code of the same command, once more", 0, second),
        claim("problems with a winner on the fleet's model", fleet.shards, len(own)),
        claim("finished journal lines that were lost", 0, fleet.lost_lines(before) + fleet.lost_lines(middle)),
        claim("entries whose time is of another card or clock than stated", 0, len(fleet.foreign_entries())),
        claim("entries of all cards, beside those of their journals", len(fleet.table()), len(own) + len(other)),
        claim("results that are there twice", 0, fleet.doubles()),
        claim("shards at another clock that are not named, or named wrongly", 0, len(slow ^ at_1200)),
    ]


def fleet(program):
    """A sweep over a Slurm of six played cards loses and mixes nothing when nodes, tasks and cards fail it."""
    if reason := slurm.reason_against():
        return [Claim("fleet", "a sweep over a Slurm of six played cards", "a run", reason, None)]
    program.folder.mkdir(parents=True, exist_ok=True)
    if any(program.folder.glob("fleet-shard*")):
        raise StepError(f"{program.folder} has files of an earlier fleet; move them away")
    with tempfile.TemporaryDirectory() as folder, slurm.Slurm(folder, CARDS) as cluster:
        return passes(Fleet(program, cluster))
