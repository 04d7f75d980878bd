"""compare --bisect finds the commit of a plug-in's repository that made it slower, and leaves nothing behind."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

from bench import BENCH, SOURCE, BenchTest, environment

sys.path.insert(0, str(SOURCE / "scripts"))
from proof.bisection import BUILD, PROBLEM, PlantedRepository, command  # noqa: E402  (found through the path above)

COMMITS, SLOW = 6, 4
REGRESSION, USAGE = 1, 2


class Bisect(BenchTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "tmp").mkdir()

    def repository(self, **options):
        return PlantedRepository(SOURCE, self.folder / "repository", COMMITS, **{"slow": SLOW, "every": 1, "more": 3, **options})

    def run_in(self, repository, words):
        """Rows that are computed four times are a slow-down that no busy machine hides."""
        result = subprocess.run(words, cwd=repository.folder, capture_output=True, text=True, check=False,
                                env=environment(TMPDIR=self.folder / "tmp", OMP_NUM_THREADS=1))
        self.assertEqual(os.listdir(self.folder / "tmp"), [])
        self.assertEqual(len(repository.git("worktree", "list").splitlines()), 1)
        return result

    def test_finds_the_slow_commit(self):
        repository = self.repository()
        result = self.run_in(repository, command(BENCH, repository, "--json"))
        self.assertEqual(result.returncode, REGRESSION, result.stderr)
        answer = json.loads(result.stdout)
        self.assertEqual([commit["commit"] for commit in answer["first_slow"]], [repository.hashes[SLOW]])
        self.assertEqual(answer["first_slow"][0]["subject"], f"change {SLOW}")
        self.assertGreater(answer["change"], 0.2)
        self.assertEqual(answer["builds"], 2 + len(answer["steps"]))
        self.assertLessEqual(len(answer["steps"]), 3)

    def test_goes_around_commits_that_do_not_build(self):
        repository = self.repository(broken=(3,))
        result = self.run_in(repository, command(BENCH, repository))
        self.assertEqual(result.returncode, REGRESSION, result.stderr)
        self.assertIn("one of these 2", result.stdout)
        for number in (3, 4):
            self.assertIn(repository.hashes[number], result.stdout)
        self.assertIn("change 3: cannot be tested", result.stderr)

    def test_equal_commits_need_no_search(self):
        repository = self.repository(every=1 << 30)
        result = self.run_in(repository, command(BENCH, repository, "--smallest-effect", "0.5"))
        self.assertEqual(result.returncode, 0, result.stderr + result.stdout)
        self.assertIn("no row is slower", result.stdout)

    def test_mistakes(self):
        repository = self.repository(broken=(0,))
        words = command(BENCH, repository)
        first, last = repository.hashes[0], repository.hashes[-1]

        def refuses(changed, *parts):
            self.assert_error(self.run_in(repository, changed), USAGE, *parts)

        compare = [BENCH, "compare", "--bisect"]
        build = ["--build", BUILD, "--built", "libkernel.so"]
        refuses([*compare, "nothing", last, *build], "--bisect", "nothing is no commit")
        refuses([*compare, last, first, *build], "--bisect", "is no ancestor of")
        refuses([*compare, last, last, *build], "--bisect", "are one commit")
        refuses([*compare, first, last], "--build")
        refuses([*compare, first, last, "--build", "true"], "--built")
        refuses([*compare, first, last, "--build", "true", "--built", "x.so"], "--built", "leaves no file x.so")
        failed = self.run_in(repository, [*compare, first, last, *build, "--problem", PROBLEM])
        self.assertEqual(failed.returncode, USAGE)
        self.assertIn(f"flashcore-bench: error: --build: fails at {first[:12]}, which has to build", failed.stderr)
        refuses([*words, "--format", "junit"], "--bisect")
        refuses([*words, "--live", BENCH], "compare: takes one of")


if __name__ == "__main__":
    import unittest

    unittest.main()
