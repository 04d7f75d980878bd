"""The files that every project has: what stands at the top of the tree, and the version that some of them repeat."""

import pathlib
import re
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]

TOP_LEVEL = {
    ".ci", ".clang-format", ".clang-tidy", ".github", ".gitignore", "CHANGELOG.md", "CITATION.cff", "CMakeLists.txt",
    "CMakePresets.json", "CONTRIBUTING.md", "LICENSE", "README.md", "SECURITY.md", "configs", "docs", "kernels",
    "pyproject.toml", "python", "results", "scripts", "src", "tests",
}
PAGES = ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
LINK = re.compile(r"\]\(([^)\s#:]+)(?:#[^)]*)?\)")


def tracked_names():
    """Of files and folders at the top that git knows; nothing outside of a checkout."""
    listed = subprocess.run(["git", "-C", ROOT, "ls-files"], capture_output=True, text=True, check=False).stdout
    return {line.split("/")[0] for line in listed.splitlines()}


def project_version():
    return re.search(r"project\(flashcore VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text())[1]


class ProjectFiles(unittest.TestCase):
    def test_the_top_of_the_tree_is_fixed(self):
        names = tracked_names()
        if not names:
            self.skipTest("not a git checkout")
        self.assertEqual(names, TOP_LEVEL)

    def test_the_license_is_the_full_text(self):
        text = (ROOT / "LICENSE").read_text()
        for part in ("Version 2.0, January 2004", "1. Definitions.", "9. Accepting Warranty or Additional Liability.",
                     "END OF TERMS AND CONDITIONS", "APPENDIX"):
            self.assertIn(part, text)

    def test_the_citation_has_the_projects_version(self):
        fields = dict(re.findall(r"(?m)^([\w-]+):[ ]*(.*)$", (ROOT / "CITATION.cff").read_text()))
        self.assertEqual(fields["version"], project_version())
        self.assertEqual(fields["cff-version"], "1.2.0")
        self.assertEqual(fields["license"], "Apache-2.0")
        self.assertLessEqual({"message", "title", "authors"}, set(fields))

    def test_the_changelog_has_the_projects_version(self):
        text = (ROOT / "CHANGELOG.md").read_text()
        self.assertIn(project_version(), text)
        headings = re.findall(r"(?m)^## (.+)$", text)
        self.assertEqual(headings[0], "Unreleased")
        for heading in headings[1:]:
            self.assertRegex(heading, r"^\d+\.\d+\.\d+ - \d{4}-\d\d-\d\d$")

    def test_pages_link_to_files(self):
        for page in PAGES:
            for link in LINK.findall((ROOT / page).read_text()):
                with self.subTest(page=page, link=link):
                    self.assertTrue((ROOT / link).exists())


if __name__ == "__main__":
    unittest.main()
