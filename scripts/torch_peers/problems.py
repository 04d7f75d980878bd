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


@dataclasses.dataclass(frozen=True)
class Field:
    """One field of a problem, as the published schema of configs describes it."""

    name: str
    type: str  # of JSON; empty for words
    words: tuple  # empty for numbers and switches
    default: object  # None where the value follows from other fields
    id: object  # what stands before the value in a made-up name; of a switch the words for off and on
    always_in_id: bool
    only_some_families: bool  # no kernel has to compute problems with it; none here does

    @classmethod
    def from_schema(cls, name, schema):
        value = schema["oneOf"][0]
        return cls(name, value.get("type", ""), tuple(value.get("enum", ())), schema.get("default"), schema["x-id"],
                   schema.get("x-always-in-id", False), schema.get("x-only-some-families", False))

    def id_part(self, value):
        """The value in a made-up name, or in that of a problem on an axis."""
        if self.type == "boolean":
            return self.id[value]
        if self.type == "integer" and value == -1:
            return f"{self.id}all"
        return f"{self.id}{str(value).removesuffix('.0')}"


def read_fields():
    """Every field by its name, in the order in which records have them and axes vary, the last fastest."""
    schema = json.loads((CONFIGS / "schema" / "config.schema.json").read_text(encoding="utf-8"))
    properties = schema["definitions"]["problem"]["properties"]
    return {name: Field.from_schema(name, one) for name, one in properties.items() if name != "name"}


FIELDS = read_fields()


class ProblemMethods:
    """What follows from a problem's fields."""

    def __post_init__(self):
        """Fields that were not given follow from others; an out_dtype that is the dtype says nothing."""
        self.heads_kv = self.heads_kv or self.heads_q
        self.seq_kv = self.seq_kv or self.seq_q
        self.scale = 1.0 / math.sqrt(self.head_dim) if self.scale is None else self.scale
        self.out_dtype = None if self.out_dtype == self.dtype else self.out_dtype

    def is_default(self, field):
        defaults = {"heads_kv": self.heads_q, "seq_kv": self.seq_q, "scale": 1.0 / math.sqrt(self.head_dim)}
        return getattr(self, field.name) == defaults.get(field.name, field.default)

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
        if self.causal and left < 0 and self.window_right < 0 and self.seq_q == self.seq_kv:
            return everything * self.seq_q * self.seq_kv / 2
        ranges = (self.visible_keys(query) for query in range(self.seq_q))
        return everything * sum(end - begin for begin, end in ranges)

    def input_set_bytes(self):
        return 2 * self.batch * self.head_dim * (self.heads_q * self.seq_q + 2 * self.heads_kv * self.seq_kv)

    def describe(self):
        """A name made from the fields."""
        return "_".join(field.id_part(getattr(self, field.name)) for field in FIELDS.values()
                        if field.always_in_id or not self.is_default(field))

    def to_json(self):
        """Without fields that have no value."""
        return {key: value for key, value in dataclasses.asdict(self).items() if value is not None}


Problem = dataclasses.make_dataclass(
    "Problem", [("name", str, ""), *((field.name, object, field.default) for field in FIELDS.values())],
    bases=(ProblemMethods,))


def check_values(entry, where):
    """Refuses keys and words that no config may have, and problems that are not compared with PyTorch."""
    for key, value in entry.items():
        if key == "name":
            continue
        if key not in FIELDS:
            raise UsageError(f"{where}/{key}: unknown key")
        values = value if isinstance(value, list) else [value]
        words = FIELDS[key].words
        unknown = [one for one in values if words and one not in words]
        if unknown:
            raise UsageError(f"{where}/{key}: {unknown[0]} is none of: {', '.join(words)}")
        if FIELDS[key].only_some_families or (key == "dtype" and "e4m3" in values):
            raise UsageError(f"{where}/{key}: {values[0] if len(values) == 1 else values} is not compared with PyTorch")
        if key == "layout" and "padded" in values:
            raise UsageError(f"{where}/layout: padded tensors are for checking, PyTorch has none")


def check_problem(problem, where):
    if problem.heads_q % problem.heads_kv != 0:
        raise UsageError(f"{where}/heads_q: {problem.heads_q} is not a multiple of heads_kv = {problem.heads_kv}")
    if problem.out_dtype is not None:
        raise UsageError(f"{where}/out_dtype: is {problem.out_dtype}, but O of {problem.dtype} problems is "
                         f"{problem.dtype}")


def expand(entry, where):
    """The problems of one object of a config, a list of values being an axis."""
    check_values(entry, where)
    axes = [(field, entry[name] if isinstance(entry[name], list) else [entry[name]])
            for name, field in FIELDS.items() if name in entry]
    for values in itertools.product(*(values for _, values in axes)):
        problem = Problem(**{field.name: value for (field, _), value in zip(axes, values)})
        check_problem(problem, where)
        varied = [field.id_part(getattr(problem, field.name)) for field, values in axes if len(values) > 1]
        problem.name = "_".join([entry["name"], *varied]) if "name" in entry else problem.describe()
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
