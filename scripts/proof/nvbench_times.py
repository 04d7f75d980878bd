#!/usr/bin/env python3
"""Times variants with NVBench, by its defaults.

nvbench_times.py LIBRARY CASES OUTPUT: CASES is a JSON list of {"problem": …, "variant": …} as in records. OUTPUT gets
a list of {"problem": name, "cold_us": …, "batch_us": …, "seconds": …}: NVBench's mean of single launches with a flushed
L2 cache, its mean of back-to-back launches, and the time that both took. Needs PyTorch and cuda-bench.
"""

import json
import pathlib
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(SOURCE / "tests" / "e2e"))

from library import DTYPES, Library  # noqa: E402  (found through the path above)

TAGS = {"cold_us": "nv/cold/time/gpu/mean", "batch_us": "nv/batch/time/gpu/mean"}
SECONDS = ("nv/cold/walltime", "nv/batch/walltime")


def make_arguments(library, case):
    """The arguments of a launch, and the tensors that have to outlive it."""
    import torch
    problem = case["problem"]
    dtype = {"fp16": torch.float16, "bf16": torch.bfloat16}[problem["dtype"]]
    generator = torch.Generator(device="cuda").manual_seed(1)

    def tensor(heads, rows):
        return torch.randn(problem["batch"], heads, rows, problem["head_dim"], device="cuda",
                           generator=generator).to(dtype)
    q = tensor(problem["heads_q"], problem["seq_q"])
    k, v = (tensor(problem["heads_kv"], problem["seq_kv"]) for _ in range(2))
    out = torch.empty_like(q)
    args = library.new_args()
    for name, value in zip(("q", "k", "v", "out"), (q, k, v, out)):
        setattr(args, name, value.data_ptr())
        stride = getattr(args, f"{name}_stride")
        stride.batch, stride.head, stride.row = value.stride()[:3]
    args.dtype = DTYPES.index(problem["dtype"])
    for name in ("batch", "heads_q", "heads_kv", "seq_q", "seq_kv", "head_dim", "scale", "softcap", "window_left"):
        setattr(args, name, problem[name])
    args.window_right = 0 if problem["causal"] else problem["window_right"]
    needed = library.workspace_bytes(case["variant"], args, 0)
    workspace = torch.empty(max(needed, 1), dtype=torch.uint8, device="cuda")
    args.workspace = workspace.data_ptr() if needed else None
    torch.cuda.synchronize()
    return args, (q, k, v, out, workspace)


def measure(library, cases, output):
    from cuda import bench

    def run(state):
        case = cases[state.get_int64("case")]
        args, tensors = make_arguments(library, case)
        state.exec(lambda launch: library.launch(case["variant"], args, 0, launch.get_stream().addressof()),
                   batched=True, sync=False)
        del tensors

    bench.register(run).add_int64_axis("case", list(range(len(cases))))
    bench.run_all_benchmarks(["nvbench_times", "--quiet", "--json", output])


def times(state, case):
    found = {summary["tag"]: float(summary["data"][0]["value"]) for summary in state["summaries"]
             if summary.get("data") and "value" in summary["data"][0] and summary["tag"].startswith("nv/")
             and summary["data"][0]["type"] == "float64"}
    return {"problem": case["problem"]["name"], "seconds": sum(found[tag] for tag in SECONDS),
            **{name: 1e6 * found[tag] for name, tag in TAGS.items()}}


def main(library, cases, output):
    cases = json.loads(pathlib.Path(cases).read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        raw = pathlib.Path(folder) / "nvbench.json"
        measure(Library(library), cases, str(raw))
        states = json.loads(raw.read_text(encoding="utf-8"))["benchmarks"][0]["states"]
    rows = [times(state, case) for state, case in zip(states, cases)]
    pathlib.Path(output).write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
