"""Problems as a config of flashcore-bench names them, and what follows from their sizes alone."""

import dataclasses
import fnmatch
import itertools
import json
import math
import pathlib

CONFIGS = pathlib.Path(__file__).resolve().parents[2] / "configs"


class UsageError(Exception):
    """The command line or the config is wrong; the message names the place."""


@dataclasses.dataclass
class Problem:
    """One attention problem; fields as in src/attention/problem.hpp."""

    name: str = ""
    batch: int = 1
    heads_q: int = 1
    heads_kv: int = 1
    seq_q: int = 1
    seq_kv: int = 1
    head_dim: int = 64
    dtype: str = "fp16"
    causal: bool = False
    scale: float = 0.0
    window_left: int = -1
    window_right: int = -1
    softcap: float = 0.0
    layout: str = "bhsd"
    lse: bool = False

    def windows(self):
        """(left, right) with causal taken in: how many keys a query sees beside the diagonal, -1 for all."""
        return self.window_left, 0 if self.causal else self.window_right

    def visible_keys(self, query):
        """[begin, end) of the keys that a query sees; the mask is aligned bottom-right."""
        left, right = self.windows()
        diagonal = query + self.seq_kv - self.seq_q
        begin = 0 if left < 0 else min(max(diagonal - left, 0), self.seq_kv)
        end = self.seq_kv if right < 0 else diagonal + right + 1
        return begin, min(max(end, begin), self.seq_kv)

    def flops(self):
        """The project's convention: causal with seq_q = seq_kv counts half, other masks what they let through."""
        everything = 4.0 * self.batch * self.heads_q * self.head_dim
        left, right = self.windows()
        if left < 0 and right < 0:
            return everything * self.seq_q * self.seq_kv
        if left < 0 and right == 0 and self.seq_q == self.seq_kv:
            return everything * self.seq_q * self.seq_kv / 2
        ranges = (self.visible_keys(query) for query in range(self.seq_q))
        return everything * sum(end - begin for begin, end in ranges)

    def input_set_bytes(self):
        return 2 * self.batch * self.head_dim * (self.heads_q * self.seq_q + 2 * self.heads_kv * self.seq_kv)

    def describe(self):
        """A name made from the sizes."""
        text = (f"b{self.batch}_hq{self.heads_q}_hkv{self.heads_kv}_q{self.seq_q}_kv{self.seq_kv}_d{self.head_dim}"
                f"_{self.dtype}")
        text += "_causal" if self.causal else ""
        text += f"_wl{self.window_left}" if self.window_left >= 0 else ""
        text += f"_wr{self.window_right}" if self.window_right >= 0 else ""
        text += f"_cap{self.softcap:g}" if self.softcap > 0 else ""
        text += f"_{self.layout}" if self.layout != "bhsd" else ""
        return text + ("_lse" if self.lse else "")

    def to_json(self):
        return dataclasses.asdict(self)


# A key that is an axis adds this to the problem's name; in the order in which axes vary, the last fastest.
SUFFIXES = {
    "batch": "b{}", "heads_q": "hq{}", "heads_kv": "hkv{}", "seq_q": "q{}", "seq_kv": "kv{}", "head_dim": "d{}",
    "dtype": "{}", "causal": ("full", "causal"), "window_left": "wl{}", "window_right": "wr{}", "softcap": "cap{}",
    "scale": "scale{}", "layout": "{}", "lse": ("nolse", "lse"),
}


def suffix(key, value):
    pattern = SUFFIXES[key]
    if isinstance(pattern, tuple):
        return pattern[value]
    return pattern.format("all" if key.startswith("window") and value < 0 else value)


def expand(entry, where):
    """The problems of one object of a config, a list of values being an axis."""
    if "e4m3" in entry.get("dtype", ""):
        raise UsageError(f"{where}/dtype: e4m3 is not compared with PyTorch")
    unknown = set(entry) - set(SUFFIXES) - {"name"}
    if unknown:
        raise UsageError(f"{where}/{sorted(unknown)[0]}: unknown key")
    axes = [(key, entry[key] if isinstance(entry[key], list) else [entry[key]]) for key in SUFFIXES if key in entry]
    for values in itertools.product(*(values for _, values in axes)):
        problem = Problem(**dict(zip((key for key, _ in axes), values)))
        if "heads_kv" not in entry:
            problem.heads_kv = problem.heads_q
        if "seq_kv" not in entry:
            problem.seq_kv = problem.seq_q
        if "scale" not in entry:
            problem.scale = 1.0 / math.sqrt(problem.head_dim)
        varied = [suffix(key, value) for (key, axis), value in zip(axes, values) if len(axis) > 1]
        problem.name = "_".join([entry["name"], *varied]) if "name" in entry else problem.describe()
        if problem.heads_q % problem.heads_kv != 0:
            raise UsageError(f"{where}/heads_q: {problem.heads_q} is not a multiple of heads_kv = {problem.heads_kv}")
        if problem.layout == "padded":
            raise UsageError(f"{where}/layout: padded tensors are for checking, PyTorch has none")
        yield problem


def find_config(name):
    """A path, else a shipped config by its bare name."""
    for path in (pathlib.Path(name), CONFIGS / name, CONFIGS / f"{name}.json"):
        if path.is_file():
            return path
    shipped = ", ".join(sorted(path.stem for path in CONFIGS.glob("*.json")))
    raise UsageError(f"--config: {name}: there is no such file; shipped configs: {shipped}")


def load_config(name):
    path = find_config(name)
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UsageError(f"--config: {path}: {error}") from None
    if not isinstance(config, dict) or "problems" not in config:
        raise UsageError(f"--config: {path}: needs the key \"problems\"")
    return config


def select_problems(config, globs):
    """The config's problems whose names match one of the globs; all without globs."""
    entries = config["problems"] if isinstance(config["problems"], list) else [config["problems"]]
    problems = [problem for index, entry in enumerate(entries) for problem in expand(entry, f"/problems/{index}")]
    if not globs:
        return problems
    chosen = [problem for problem in problems if any(fnmatch.fnmatchcase(problem.name, glob) for glob in globs)]
    if not chosen:
        names = ", ".join(problem.name for problem in problems[:8])
        raise UsageError(f"--problems: {','.join(globs)} matches none of the {len(problems)} problems: {names}, …")
    return chosen
