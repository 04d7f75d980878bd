"""Does compare --bisect find a slow commit? The repository has a plug-in, the example of this tree, and one of its commits
computes every tenth row twice."""

import json
import os
import pathlib
import random
import shutil
import subprocess

from .claims import at_least, at_most

COMMITS = 32
TRIES = 20
FOUND = 0.95
MOST_BUILDS = 7  # the good one, the bad one, and five halves of 32
SEED = 1
BUILD = "cc -std=c11 -O2 -shared -fPIC -I. kernel.c -lm -o libkernel.so"
PROBLEM = "heads_q=2,seq_q=64,head_dim=64,dtype=bf16"
CALL = "attend(args, &row, kVariants[variant].block_kv, scratch, scratch + args->seq_kv);"


class PlantedRepository:
    """Commits 0 to `commits`; from commit `slow` on, every `every`-th row is computed `more` times more."""

    def __init__(self, source, folder, commits, slow, every=10, more=1, broken=()):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        capi = pathlib.Path(source) / "src" / "capi"
        for header in capi.glob("*.h"):
            shutil.copy(header, self.folder)
        shutil.copy(capi / "examples" / "bfloat16.h", self.folder)
        kernel = (capi / "examples" / "example_plugin.c").read_text()
        if CALL not in kernel:
            raise ValueError("the example plug-in no longer calls attend() as expected")
        again = f"if (query % EVERY == 0) for (int i = 0; i < {more}; ++i) {CALL}"
        kernel = '#include "change.h"\n' + kernel.replace(CALL, f"{CALL}\n        {again}")
        (self.folder / "kernel.c").write_text(kernel)
        (self.folder / ".gitignore").write_text("*.so\n")
        self.git("init", "--quiet")
        self.hashes = []
        for number in range(commits + 1):
            every_now = every if number >= slow else 1 << 30
            error = "#error it does not build\n" if number in broken else ""
            (self.folder / "change.h").write_text(f"/* {number} */\n#define EVERY {every_now}\n{error}")
            self.git("add", ".")
            self.git("commit", "--quiet", "--message", f"change {number}")
            self.hashes.append(self.git("rev-parse", "HEAD"))

    def git(self, *arguments):
        names = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER")
                 for what, value in (("NAME", "a"), ("EMAIL", "a@localhost"))}
        return subprocess.run(["git", *arguments], cwd=self.folder, env={**os.environ, **names}, check=True,
                              capture_output=True, text=True).stdout.strip()


def command(bench, repository, *options):
    """Of a search through the whole repository."""
    return [str(bench), "compare", "--bisect", repository.hashes[0], repository.hashes[-1], "--build", BUILD, "--built",
            "libkernel.so", "--device", "cpu", "--variants", "example/bf16_d64_kv32", "--problem", PROBLEM, *options]


def bisect(program):
    """compare --bisect finds the slow commit"""
    picks = random.Random(SEED)
    answers = []
    for number in range(program.count(TRIES)):
        slow = picks.randint(1, COMMITS)
        repository = PlantedRepository(program.source, program.folder / "repositories" / f"{number}", COMMITS, slow)
        words = ["env", "-C", repository.folder, *command(program.bench, repository, "--json")]
        result = program.run(f"try{number}", words, codes=(0, 1, 3))
        answer = json.loads(result.stdout)
        found = [commit["commit"] for commit in answer.get("first_slow", [])]
        answers.append({"slow": slow, "found": found == [repository.hashes[slow]], "builds": answer.get("builds", 0),
                        "change": answer.get("change"), "seconds": round(result.seconds, 1)})
        shutil.rmtree(repository.folder)
    program.records("environment", {"problems": [{"heads_q": 2, "seq_q": 64, "head_dim": 64}], "variants": ["cpu_scalar/*"],
                                    "measure": {"budget_s": 0.1}})  # for the claims' file
    (program.folder / "bisect.json").write_text(json.dumps({"tries": answers}, indent=1) + "\n")
    share = sum(answer["found"] for answer in answers) / len(answers)
    tried = f"share of {len(answers)} slow-downs by 10 % whose commit is found, of {COMMITS}"
    return [at_least("bisect", tried, share, FOUND),
            at_most("bisect", "builds of a search", max(answer["builds"] for answer in answers), MOST_BUILDS)]
