"""What is compiled and tuned at run time: when, and what tuning chose."""

import sys
import types

_MOST_LOOKED_AT = 500  # objects that a function refers to, directly or not

_events = 0
_frames = 0


def compiled(*_args, **_kwargs) -> None:
    """Tells that something was compiled or tuned. A sample during which this is called is void, and taken again.

    Compilations of Triton and of torch.compile tell by themselves. Takes any arguments, so that it can be the hook of
    another compiler.
    """
    global _events
    _events += 1


def _watch_triton():
    """Makes Triton call compiled(). A hook that is there already is called too."""
    if "triton" not in sys.modules:
        return
    runtime = getattr(getattr(sys.modules["triton"], "knobs", None), "runtime", None)
    before = getattr(runtime, "jit_post_compile_hook", None)
    if not hasattr(runtime, "jit_post_compile_hook") or getattr(before, "tells", None) is compiled:
        return

    def hook(*args, **kwargs):
        compiled()
        return before(*args, **kwargs) if before else None
    hook.tells = compiled
    runtime.jit_post_compile_hook = hook


def compilations(tuners) -> int:
    """A number that changes with everything that is compiled, and with everything that one of `tuners` tunes."""
    global _frames
    _watch_triton()
    dynamo = sys.modules.get("torch._dynamo.utils")
    frames = sum(dynamo.counters["frames"].values()) if dynamo else 0
    if frames != _frames:
        _frames = frames
        compiled()
    return _events + sum(len(tuner.cache) for tuner in tuners.values())


def _names(code):
    """Names of globals and attributes that code uses, also in functions inside of it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)


def _referred(function):
    """(name, object) of what a function refers to by its globals, by attributes of modules, and by its closure."""
    names = set(_names(function.__code__))
    found = [(name, function.__globals__[name]) for name in names if name in function.__globals__]
    for _, module in list(found):
        if isinstance(module, types.ModuleType):
            found += [(name, vars(module)[name]) for name in names if name in vars(module)]
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
        try:
            found.append((name, cell.cell_contents))
        except ValueError:  # not assigned yet
            pass
    return found


def find_tuners(function) -> dict:
    """Triton's autotuned functions that a function uses, by the names that it has for them."""
    tuners, waiting, seen = {}, [("", function)], set()
    while waiting and len(seen) < _MOST_LOOKED_AT:
        name, one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        if any(kind.__name__ == "Autotuner" for kind in type(one).__mro__):
            tuners[name] = one
        elif isinstance(one, types.FunctionType):
            if one.__module__ is None or one.__module__.partition(".")[0] not in ("torch", "numpy"):
                waiting += _referred(one)
        else:  # wrappers: Triton's heuristics, functools.partial, a Kernel
            waiting += [(name, vars(one).get(key)) for key in ("fn", "function") if hasattr(one, "__dict__")]
            waiting += [(name, getattr(one, "func", None))]
    return tuners


def choices(tuners) -> dict[str, str]:
    """What the last launch of each tuner chose."""
    texts = {}
    for name, tuner in tuners.items():
        config = getattr(tuner, "best_config", None)
        if config is not None:
            values = config.all_kwargs() if hasattr(config, "all_kwargs") else {}
            texts[name] = ", ".join(f"{key}: {value}" for key, value in values.items()) or str(config)
    return texts
