"""Kernels that another process can import again: right ones, and some that end their process or disturb it."""

import os
import signal
import sys
import time

import flashcore_bench as fc
import numpy_kernels

# Its choice tells which process it runs in.
right = fc.kernel(numpy_kernels.right, framework="numpy", choice=lambda: str(os.getpid()))
wrong = fc.kernel(numpy_kernels.half_written, framework="numpy")


@fc.kernel(framework="numpy")
def crashing(q, k, v, out):
    os.kill(os.getpid(), signal.SIGSEGV)


@fc.kernel(framework="numpy")
def exiting(q, k, v, out):
    print("no licence", file=sys.stderr, flush=True)
    os._exit(3)


@fc.kernel(framework="numpy")
def hanging(q, k, v, out):
    time.sleep(600)


calls = 0


@fc.kernel(framework="numpy")
def crashing_when_timed(q, k, v, out, lse, scale, softcap, window):
    global calls
    calls += 1
    if calls > 8:
        os.abort()
    numpy_kernels.right(q, k, v, out, lse, scale, softcap, window)


@fc.kernel(framework="numpy")
def printing(q, k, v, out, scale):
    print('{"result": null}', flush=True)
    os.write(1, b"no JSON\n")
    sys.stdin.read()
    numpy_kernels.right(q, k, v, out, None, scale, 0, (-1, -1))


def plain(q, k, v, out, scale):
    numpy_kernels.right(q, k, v, out, None, scale, 0, (-1, -1))
