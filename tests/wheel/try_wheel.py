"""Tries an installed wheel of flashcore_bench, outside of the source tree: a NumPy kernel is checked, timed beside this
project's, and its broken copy is refused. scripts/wheels.sh runs it in a fresh environment.

    python3 try_wheel.py VERSION
"""

import pathlib
import sys
import sysconfig

import flashcore_bench as fc
import numpy

FAST = {"budget": 2, "measure": {"min_samples": 3, "max_samples": 6}}


def attention(q, k, v, scale):
    scores = q.astype("float32") @ k.astype("float32").swapaxes(2, 3) * scale
    weights = numpy.exp(scores - scores.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True) @ v.astype("float32")


@fc.kernel(framework="numpy")
def mine(q, k, v, out, scale):
    out[...] = attention(q, k, v, scale)


@fc.kernel(framework="numpy")
def broken(q, k, v, out, scale):
    out[...] = 1.5 * attention(q, k, v, scale)


def require(condition, what):
    if not condition:
        raise SystemExit(f"try_wheel.py: {what}")


def main():
    site = pathlib.Path(sysconfig.get_path("platlib")).resolve()
    place = pathlib.Path(fc.__file__).resolve()
    require(place.is_relative_to(site), f"{place} is not the installed package")
    require(fc.__version__ == sys.argv[1], f"version {fc.__version__}, not {sys.argv[1]}")
    problem = fc.Problem(heads=2, seq=64, head_dim=64)
    result = fc.check(mine, problem)
    require(result.passed, f"a right kernel is {result.status}: {result.reason}")
    result = fc.check(broken, problem)
    require(result.status == "incorrect", f"a broken kernel is {result.status}")
    times = fc.bench(mine, problem, against=["auto"], **FAST)
    require([row.status for row in times.rows] == ["ok", "ok"], f"not all rows are ok:\n{times}")
    times.save("times.json")
    print(times)


if __name__ == "__main__":
    main()
