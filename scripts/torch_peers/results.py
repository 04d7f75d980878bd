"""Records and result files, in the form of configs/schema/result.schema.json."""

import json
import math
import os
import pathlib
import tempfile

SCHEMA_VERSION = 1


def new_record(problem, variant_id, family, backend, spec):
    return {"problem": problem.to_json(), "variant": variant_id, "family": family, "backend": backend, "spec": spec,
            "status": "ok"}


def peer_record(problem, family, backend):
    """A peer is one variant a dtype and head_dim: its tile is its own business."""
    spec = {"dtype": problem.dtype, "head_dim": problem.head_dim}
    return new_record(problem, f"{family}/{problem.dtype}_d{problem.head_dim}", family, backend, spec)


def fail(record, status, reason):
    record.update(status=status, reason=reason)
    record.pop("timing", None)


def add_rate(record, flops):
    """tflops, at the median of the first clock that was taken of hot, cold and call."""
    for clock in ("hot_us", "cold_us", "call_us"):
        timing = record.get("timing", {}).get(clock)
        if timing and timing["median"] > 0:
            record["tflops"] = flops / timing["median"] * 1e-6
            return


def encode(value):
    """Numbers that JSON lacks as words."""
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    if isinstance(value, dict):
        return {key: encode(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [encode(entry) for entry in value]
    return value


def config_hash(config):
    """64-bit FNV-1a of the config with sorted keys and no spaces."""
    value = 0xCBF29CE484222325
    for byte in json.dumps(config, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return f"{value:016x}"


def make_environment(of_library, torch_versions, command_line, config):
    """What the library says of itself, the device and the host, and what only this run knows."""
    return {**of_library, "torch": torch_versions, "command_line": list(command_line),
            "config_hash": config_hash(config)}


class ResultFile:
    """Whole at every moment: each write goes to a temporary file beside it, which is then renamed."""

    def __init__(self, path, environment, config):
        self.path = pathlib.Path(path)
        self.head = {"schema_version": SCHEMA_VERSION, "environment": environment, "config": config}
        self.lines = []
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._write()

    def add(self, records):
        self.lines += [json.dumps(encode(record), ensure_ascii=False, allow_nan=False) for record in records]
        self._write()

    def _write(self):
        head = json.dumps(encode(self.head), ensure_ascii=False, allow_nan=False)[:-1]
        text = head + ', "records": [\n' + ",\n".join(self.lines) + "\n]}\n"
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=self.path.parent, prefix=self.path.name,
                                         delete=False) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(file.name, 0o644)
        os.replace(file.name, self.path)
