"""The rules of structure. Each is a function that takes a Tree and returns the places that break the rule, as text.

The tables below hold exceptions, each with its reason. An exception that excuses nothing breaks the rule, too.
"""

import re

MAX_FILE_LINES = 300
MAX_HOST_FUNCTION_LINES = 40
MAX_DEVICE_FUNCTION_LINES = 150

# The rooms and files of src/ that kernels/ may include.
KERNELS_MAY_INCLUDE = ("src/attention/", "src/variant/", "src/base/words.hpp")

# The files of src/capi/, and a folder.
CAPI_HOLDS = ("src/capi/flashcore.h", "src/capi/flashcore_v2.h", "src/capi/flashcore_plugin.h", "src/capi/convert.hpp",
              "src/capi/examples/")

# By "includer -> included".
INCLUDES_ALLOWED = {
}

# By the whole cycle.
CYCLES_ALLOWED = {
}

# By file.
LONG_FILES_ALLOWED = {
    "src/render/page/style.css": "one style sheet for the whole page",
}

# By "file: function".
LONG_FUNCTIONS_ALLOWED = {
}

# Rooms without a folder of unit tests.
ROOMS_TESTED_ELSEWHERE = {
    "capi": "tests/unit/attention/problem_fields_test.cpp converts every field; tests/e2e/test_library.py calls it",
    "python": "tests/e2e/test_python.py imports the package",
    "variant": "ids and attributes are tested through the selector, in tests/unit/registry",
}

# Folders of unit tests that are no room's.
OTHER_UNIT_TESTS = {
    "kernels": "the folder kernels/",
    "support": "helpers of the tests",
}


def unexcused(broken, allowed):
    """`broken` by key, without what is allowed; and the entries of the table that excuse nothing."""
    return ([text for key, text in broken.items() if key not in allowed]
            + [f"the exception for {key} excuses nothing" for key in allowed if key not in broken])


def rooms_are_listed(tree):
    rooms, folders = tree.rooms(), tree.folders("src")
    return ([f"src/{folder}/ is not in src/ROOMS.md" for folder in folders if folder not in rooms]
            + [f"src/ROOMS.md lists {room}, which is no folder of src/" for room in rooms if room not in folders])


def includes_go_down(tree, allowed=None):
    """From a room to itself or to rooms below it in src/ROOMS.md; files directly in src/ may include every room."""
    place = {room: number for number, room in enumerate(tree.rooms())}
    broken = {}
    for includer, included in ((a, b) for a, found in tree.includes.items() for b in found):
        here, there = tree.room(includer), tree.room(included)
        key = f"{includer} -> {included}"
        if here == "kernels" and there != "kernels" and not included.startswith(KERNELS_MAY_INCLUDE):
            broken[key] = f"{key}: kernels/ may include only {', '.join(KERNELS_MAY_INCLUDE)}"
        elif here in place and there in place and place[there] < place[here]:
            broken[key] = f"{key}: {there} stands above {here} in src/ROOMS.md"
    return unexcused(broken, INCLUDES_ALLOWED if allowed is None else allowed)


def no_include_cycle(tree, allowed=None):
    """Depth first; a file that is met again on the current path closes a cycle."""
    done, path, broken = set(), [], {}

    def visit(file):
        if file in path:
            cycle = " -> ".join([*path[path.index(file):], file])
            broken[cycle] = f"{cycle}: includes go round"
        elif file not in done:
            path.append(file)
            for included in tree.includes.get(file, []):
                visit(included)
            path.pop()
            done.add(file)

    for file in tree.includes:
        visit(file)
    return unexcused(broken, CYCLES_ALLOWED if allowed is None else allowed)


def files_are_short(tree, allowed=None):
    lines = {path: text.count("\n") for path, text in tree.files.items()}
    broken = {path: f"{path} has {count} lines, more than {MAX_FILE_LINES}"
              for path, count in lines.items() if count > MAX_FILE_LINES}
    return unexcused(broken, LONG_FILES_ALLOWED if allowed is None else allowed)


def functions_are_short(tree, allowed=None):
    broken = {}
    for function in tree.functions:
        limit = MAX_DEVICE_FUNCTION_LINES if function.on_device else MAX_HOST_FUNCTION_LINES
        if function.lines > limit:
            broken[f"{function.path}: {function.name}"] = f"{function}, more than {limit}"
    return unexcused(broken, LONG_FUNCTIONS_ALLOWED if allowed is None else allowed)


TYPE = re.compile(r"^(?:struct|class|enum class) (\w+)(?: final)?(?: : [^;{]*)? \{", re.MULTILINE)


def types_have_one_definition(tree):
    """Two types of one name in one program are undefined behaviour that no compiler and no linker reports."""
    places = {}
    for path, text in tree.files.items():
        if path.startswith("src/") and path.endswith(".hpp"):
            for name in TYPE.findall(text):
                places.setdefault(name, []).append(path)
    return [f"{name} is a type of {' and of '.join(paths)}" for name, paths in places.items() if len(paths) > 1]


def capi_holds_the_interface_only(tree):
    return [f"{path}: src/capi/ holds only {', '.join(CAPI_HOLDS)}" for path in tree.files
            if path.startswith("src/capi/") and not path.startswith(CAPI_HOLDS)]


def rooms_have_unit_tests(tree, elsewhere=None, others=None):
    rooms, folders = tree.rooms(), tree.folders("tests/unit")
    untested = {room: f"{room} has no folder in tests/unit" for room in rooms if room not in folders}
    strange = {folder: f"tests/unit/{folder} is named after no room" for folder in folders if folder not in rooms}
    return (unexcused(untested, ROOMS_TESTED_ELSEWHERE if elsewhere is None else elsewhere)
            + unexcused(strange, OTHER_UNIT_TESTS if others is None else others))
