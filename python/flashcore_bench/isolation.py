"""Which kernels another process can import again, and the process that does: the worker of a run, and the child of a
diagnosis."""

import contextlib
import importlib
import importlib.util
import json
import os
import re
import signal
import sys

from . import _core
from .errors import first_line
from .kernels import Adapter, Kernel, as_kernel

_GUARD = re.compile(r"^if\s+__name__\s*==\s*['\"]__main__['\"]", re.MULTILINE)
_START = "import json, sys; request = json.loads(sys.argv[1]); sys.path[:] = request['path']; " \
         "from flashcore_bench.isolation import serve; serve(request)"
_MAIN = "__mp_main__"  # multiprocessing's name for a main module that is imported again

plugins = []  # paths, loaded by this process
_served = []  # kernels of earlier calls; a worker that has them too serves calls in turns
_serving = False  # this process is such a worker or child


class _NoName(Exception):
    """Why a kernel cannot be imported again."""


def load_plugin(path):
    """Loads a plug-in here and in workers. Raises UsageError."""
    _core.load_plugin(path)
    plugins.append(path)


def _require_script():
    main = sys.modules["__main__"]
    if not getattr(main, "__file__", None):
        raise _NoName("it is defined in an interactive session")
    with open(main.__file__, encoding="utf-8") as file:
        if not _GUARD.search(file.read()):
            raise _NoName("its script has no line `if __name__ == \"__main__\":`")


def _name(kernel):
    """`module:name` of a kernel. Raises _NoName."""
    if kernel.path:
        return kernel.path
    qualname = getattr(kernel.function, "__qualname__", "")
    for home in dict.fromkeys((kernel.home, getattr(kernel.function, "__module__", None))):
        for name, value in list(vars(sys.modules[home]).items()) if home in sys.modules else ():
            if value is kernel or (kernel.is_plain and value is kernel.function):
                if home == "__main__":
                    _require_script()
                return f"{home}:{name}"
    if "<lambda>" in qualname:
        raise _NoName("it is a lambda")
    if "<locals>" in qualname:
        raise _NoName("it is defined inside of a function")
    raise _NoName("no module has it under a name")


def _main():
    """How to import the main module again."""
    main = sys.modules["__main__"]
    return {"file": os.path.abspath(main.__file__), "package": main.__package__ or ""}


def _stamp(names):
    """Changes with the files of the kernels, so that a worker that has older ones is not kept."""
    files = {getattr(sys.modules[name.partition(":")[0]], "__file__", None) for name in names}
    return sorted(os.stat(file).st_mtime_ns for file in files if file and os.path.exists(file))


def command(kernels, device, diagnose=None):
    """The command line of a process that serves kernels on a device. Raises _NoName with the kernel's name."""
    names = []
    for kernel in kernels:
        try:
            names.append(_name(kernel))
        except _NoName as reason:
            raise _NoName(f"{kernel.name} cannot be imported again: {reason}") from None
    names.sort()
    request = {"path": [str(path) for path in sys.path], "argv": sys.argv, "kernels": names, "device": device,
               "plugins": plugins, "main": _main() if any(name.startswith("__main__:") for name in names) else None,
               "stamp": _stamp(names), "diagnose": diagnose}
    return [sys.executable, "-c", _START, json.dumps(request)]


def start(kernels, device, timeout, in_process):
    """Starts the worker of a run. Returns why kernels must run in this process; empty if they need not."""
    if in_process:
        return "in_process=True"
    if _serving:
        raise _core.UsageError("this module is imported by a worker: calls belong under `if __name__ == \"__main__\":`")
    if not sys.executable:
        return "this Python has no program of its own"
    try:
        alone = command(kernels, device)
    except _NoName as refusal:
        return str(refusal)
    families = {kernel.family for kernel in kernels}
    earlier = [kernel for kernel in _served if kernel.family not in families and _can_serve(kernel, device)]
    reason = _core.start_worker(command(kernels + earlier, device), timeout)
    if reason and earlier:
        earlier = []
        reason = _core.start_worker(alone, timeout)
    _served[:] = [] if reason else kernels + earlier
    return f"no worker could start: {reason}" if reason else ""


def _can_serve(kernel, device):
    try:
        return bool(_name(kernel)) and device.partition(":")[0] in kernel.framework.backends
    except _NoName:
        return False


def _import_main(how):
    """The main module under another name, so that its guard keeps its calls from running."""
    if how is None:
        return
    name = _MAIN
    if how["package"]:
        importlib.import_module(how["package"])
        name = f"{how['package']}.{_MAIN}"
    spec = importlib.util.spec_from_file_location(name, how["file"])
    module = importlib.util.module_from_spec(spec)
    sys.modules["__main__"] = sys.modules[name] = module
    spec.loader.exec_module(module)


def _find(name):
    module, _, attribute = name.partition(":")
    found = getattr(importlib.import_module(module), attribute)
    return found if isinstance(found, Kernel) else as_kernel(found)


def serve(request):
    """The whole of a worker process, or of the child of a diagnosis. Does not return."""
    global _serving
    from .running import session
    _serving = True
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})  # processes that compile are ended by it, and inherit this
    sys.argv = request["argv"]
    backend, _, index = request["device"].partition(":")
    status = 0

    def load():
        _import_main(request["main"])
        kernels = [_find(name) for name in request["kernels"]]
        stack.enter_context(session(kernels, backend, int(index or 0)))
        return [Adapter(kernel, backend, int(index or 0)) for kernel in kernels]

    try:
        with contextlib.ExitStack() as stack:
            if request["diagnose"]:
                _core.send_diagnosis(request["device"], request["diagnose"]["problem"], request["diagnose"]["seed"],
                                     lambda: load()[0])
            else:
                _core.serve(request["device"], request["plugins"], load)
    except BaseException as error:  # pylint: disable=broad-exception-caught  (the parent reads it)
        print(f"flashcore-bench: error: {type(error).__name__}: {first_line(error)}", file=sys.stderr, flush=True)
        status = 2
    os._exit(status)  # what threads of a kernel do meanwhile is nobody's concern
