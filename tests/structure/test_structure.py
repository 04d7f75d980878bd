"""This tree keeps the rules of rules.py, and each rule finds the fault of a made-up tree that breaks it."""

import pathlib
import tempfile
import unittest

import rules
from tree import Scanner, Tree

ROOT = pathlib.Path(__file__).resolve().parents[2]

ROOMS = "| room | subject |\n|---|---|\n| `cli` | high |\n| `base` | low |\n"


class ThisTree(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.tree = Tree(ROOT)

    def test_there_is_something_to_look_at(self):
        self.assertGreater(len(self.tree.files), 300)
        self.assertGreater(sum(map(len, self.tree.includes.values())), 500)
        self.assertGreater(len(self.tree.functions), 1500)

    def test_rooms_are_listed(self):
        self.assertEqual(rules.rooms_are_listed(self.tree), [])

    def test_includes_go_down(self):
        self.assertEqual(rules.includes_go_down(self.tree), [])

    def test_no_include_cycle(self):
        self.assertEqual(rules.no_include_cycle(self.tree), [])

    def test_files_are_short(self):
        self.assertEqual(rules.files_are_short(self.tree), [])

    def test_functions_are_short(self):
        self.assertEqual(rules.functions_are_short(self.tree), [])

    def test_types_have_one_definition(self):
        self.assertEqual(rules.types_have_one_definition(self.tree), [])

    def test_capi_holds_the_interface_only(self):
        self.assertEqual(rules.capi_holds_the_interface_only(self.tree), [])

    def test_rooms_have_unit_tests(self):
        self.assertEqual(rules.rooms_have_unit_tests(self.tree), [])


class MadeUpTree(unittest.TestCase):
    """One tree that keeps every rule, and per rule at least one that breaks it."""

    def tree(self, **files):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        root = pathlib.Path(folder.name)
        files = {"src/ROOMS.md": ROOMS, "src/base/a.hpp": "", "src/cli/b.hpp": "", "kernels/k.cuh": "",
                 "tests/unit/base/a.cpp": "", "tests/unit/cli/b.cpp": "", **files}
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
        return Tree(root)

    def assert_broken(self, found, *parts):
        self.assertEqual(len(found), 1, found)
        for part in parts:
            self.assertIn(part, found[0])

    def test_a_tree_that_keeps_all_rules(self):
        tree = self.tree(**{"src/cli/b.hpp": '#include "base/a.hpp"\n', "src/main.cpp": '#include "cli/b.hpp"\n'})
        self.assertEqual(tree.includes["src/main.cpp"], ["src/cli/b.hpp"])
        self.assertEqual(rules.rooms_are_listed(tree) + rules.includes_go_down(tree, {})
                         + rules.no_include_cycle(tree, {}) + rules.files_are_short(tree, {})
                         + rules.functions_are_short(tree, {}) + rules.capi_holds_the_interface_only(tree)
                         + rules.rooms_have_unit_tests(tree, {}, {}), [])

    def test_a_room_that_is_not_listed_or_not_there(self):
        self.assert_broken(rules.rooms_are_listed(self.tree(**{"src/attic/c.hpp": ""})), "src/attic/")
        listed = self.tree(**{"src/ROOMS.md": ROOMS + "| `hall` | empty |\n"})
        self.assert_broken(rules.rooms_are_listed(listed), "hall")

    def test_an_include_of_a_room_above(self):
        tree = self.tree(**{"src/base/a.hpp": '#include "cli/b.hpp"\n'})
        self.assert_broken(rules.includes_go_down(tree, {}), "src/base/a.hpp -> src/cli/b.hpp")
        self.assertEqual(rules.includes_go_down(tree, {"src/base/a.hpp -> src/cli/b.hpp": "x"}), [])

    def test_a_kernel_that_includes_the_program(self):
        tree = self.tree(**{"kernels/k.cuh": '#include "base/a.hpp"\n#include "base/words.hpp"\n',
                            "src/base/words.hpp": ""})
        self.assert_broken(rules.includes_go_down(tree, {}), "kernels/k.cuh -> src/base/a.hpp")

    def test_an_exception_that_excuses_nothing(self):
        self.assert_broken(rules.includes_go_down(self.tree(), {"a -> b": "no more"}), "a -> b")

    def test_a_cycle_in_one_room(self):
        tree = self.tree(**{"src/base/a.hpp": '#include "base/c.hpp"\n', "src/base/c.hpp": '#include "a.hpp"\n'})
        self.assert_broken(rules.no_include_cycle(tree, {}), "src/base/a.hpp -> src/base/c.hpp -> src/base/a.hpp")

    def test_a_long_file(self):
        self.assertEqual(rules.files_are_short(self.tree(**{"src/base/a.hpp": "\n" * 300}), {}), [])
        tree = self.tree(**{"src/base/a.hpp": "\n" * 301})
        self.assert_broken(rules.files_are_short(tree, {}), "src/base/a.hpp", "301")

    def test_a_long_function(self):
        def function(lines):
            return "int f(int x) {\n" + "  x += 1;\n" * (lines - 2) + "}\n"
        self.assertEqual(rules.functions_are_short(self.tree(**{"src/base/a.cpp": function(40)}), {}), [])
        tree = self.tree(**{"src/base/a.cpp": function(41)})
        self.assert_broken(rules.functions_are_short(tree, {}), "src/base/a.cpp:1: f()", "41")

    def test_a_long_kernel(self):
        def kernel(lines):
            return "__global__ void k(int x) {\n" + "  x += 1;\n" * (lines - 2) + "}\n"
        self.assertEqual(rules.functions_are_short(self.tree(**{"kernels/k.cuh": kernel(150)}), {}), [])
        self.assert_broken(rules.functions_are_short(self.tree(**{"kernels/k.cuh": kernel(151)}), {}), "k()", "151")

    def test_a_type_of_two_headers(self):
        tree = self.tree(**{"src/base/a.hpp": "struct Call {\n  int x;\n};\n",
                            "src/cli/b.hpp": "enum class Call : int { a };\n"})
        self.assert_broken(rules.types_have_one_definition(tree), "Call", "src/base/a.hpp", "src/cli/b.hpp")

    def test_a_stranger_in_capi(self):
        tree = self.tree(**{"src/capi/flashcore.h": "", "src/capi/examples/e.c": "", "src/capi/loader.cpp": ""})
        self.assert_broken(rules.capi_holds_the_interface_only(tree), "src/capi/loader.cpp")

    def test_a_room_without_tests_and_tests_without_a_room(self):
        tree = self.tree(**{"src/ROOMS.md": ROOMS + "| `hall` | new |\n"})
        self.assert_broken(rules.rooms_have_unit_tests(tree, {}, {}), "hall has no folder")
        self.assertEqual(rules.rooms_have_unit_tests(tree, {"hall": "x"}, {}), [])
        tree = self.tree(**{"tests/unit/attic/c.cpp": ""})
        self.assert_broken(rules.rooms_have_unit_tests(tree, {}, {}), "attic")


FUNCTIONS = '''
#include <vector>
#define MACRO(x) \\
  if (x) {       \\
  }
namespace flashcore {
namespace {
// A comment with a brace { in it.
constexpr int kTable[] = {1, 2, (3)};
constexpr Row kRows[] = {{.name = "}", .size = f(1)}};
const char* const kText = R"page(
void not_a_function() {
)page";
enum class Kind : int { one, two };

struct Base {
  explicit Base(int size) : size_{size}, rest_(f({1, 2})) {
    grow();
  }
  virtual ~Base() = default;
  int size() const { return size_; }

 private:
  struct Inner {
    bool operator()(char c) const {
      return c == '{' || c == '\\'';
    }
  };
  int size_ = 0;
  std::vector<int> rest_{};
};

template <class T>
  requires std::is_integral_v<T>
T twice(T value, Row row = {}) {
  const auto add = [&](T more) {
    return value + more;
  };
  for (int i = 0; i < 2; ++i) {
    value = add(value);
  }
  return value;
}

void guarded() try {
  work();
} catch (const std::bad_alloc&) {
  fail();
}

}  // namespace
__global__ void __launch_bounds__(128) kernel(const Params params) {
  run(params);
}
FLASHCORE_HOST_DEVICE constexpr int half(int x) { return x / 2; }
}  // namespace flashcore
extern "C" {
int entry(void) {
  return 0;
}
}
'''


class Functions(unittest.TestCase):
    def test_every_function_is_found_with_its_lines(self):
        found = {function.name: (function.lines, function.on_device) for function in Scanner("f.cpp", FUNCTIONS).scan()}
        self.assertEqual(found, {
            "Base": (3, False), "size": (1, False), "operator()": (3, False), "twice": (11, False),
            "guarded": (5, False), "kernel": (3, True), "half": (1, True), "entry": (3, False)})

    def test_a_function_begins_at_its_first_line(self):
        lines = {function.name: function.line for function in Scanner("f.cpp", FUNCTIONS).scan()}
        self.assertEqual(FUNCTIONS.splitlines()[lines["twice"] - 1], "template <class T>")
        self.assertIn("operator()", FUNCTIONS.splitlines()[lines["operator()"] - 1])


if __name__ == "__main__":
    unittest.main()
