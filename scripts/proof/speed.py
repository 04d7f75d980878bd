"""How fast the kernels are beside those of PyTorch, in one run of scripts/compare_torch.py."""

import collections
import fnmatch
import math
import sys

from records import role

from .claims import Claim, at_least, at_most
from .program import hot_us, read_records

# The tiles that tuning chose on an H100, and the tiles of mma that are compared with FlashAttention-2.
VARIANTS = ["wgmma/*", "mma/*_d64_q128_kv64_w4_s2_qr1", "mma/*_d64_q32_kv256_w8_s2_kw8", "mma/*_d64_q64_kv64_w4_s2",
            "mma/*_d64_q112*", "mma/*_d128_q128_kv64_w4_s2", "mma/*_d128_q64_kv64_w4_s2", "mma/*_d128*s3_kw4*",
            "mma/*_d256_q64_kv32_w4_s2_qr1", "scalar/*_d64_q4_kv8*"]
PEERS = "peer_torch_flash,peer_torch_cudnn,peer_torch_flex"
FLASH_ATTENTION_2 = "peer_torch_flash"


class Table:
    """The time of the fastest variant of each family on each problem."""

    def __init__(self, records):
        self.best = collections.defaultdict(dict)
        self.peers = {record["family"] for record in records if role(record) == "peer"}
        self.flops_per_us = {}
        for record in records:
            if not hot_us(record):
                continue
            families = self.best[record["problem"]["name"]]
            family, time = record["family"], hot_us(record)
            families[family] = min(time, families.get(family, math.inf))
            self.flops_per_us[record["problem"]["name"]] = record["tflops"] * time

    def problems(self, *globs):
        return [name for name in self.best if any(fnmatch.fnmatchcase(name, glob) for glob in globs)]

    def time(self, problem, families="*"):
        """The time of the fastest of our families that match a glob; infinite if none was timed."""
        return min((time for family, time in self.best[problem].items()
                    if fnmatch.fnmatchcase(family, families) and family not in self.peers), default=math.inf)

    def best_peer(self, problem):
        return min((time for family, time in self.best[problem].items() if family in self.peers),
                   default=math.nan)

    def peer(self, problem, family):
        return self.best[problem].get(family, math.nan)

    def tflops(self, problem, family):
        return self.flops_per_us.get(problem, math.nan) / self.time(problem, family)


def geometric_mean(values):
    if not values or 0 in values:
        return 0.0
    return math.exp(sum(map(math.log, values)) / len(values))


def lowest(ratios):
    """The problem with the lowest ratio, and the ratio; a problem without a peer's time counts as the lowest."""
    return min(ratios.items(), key=lambda item: -math.inf if math.isnan(item[1]) else item[1],
               default=("none", math.nan))


def ahead(text, ratios, mean, least):
    """Two claims about the speed-ups of problems: their mean and the lowest."""
    name, ratio = lowest(ratios)
    return [at_least("speed", f"{text}: geometric mean over {len(ratios)}", geometric_mean(ratios.values()), mean, "x"),
            at_least("speed", f"{text}: lowest ({name})", ratio, least, "x")]


def every(text, table, problems, least, ours="*", peer=None):
    """A claim about the lowest speed-up over one peer, or over the fastest peer."""
    ratios = {name: (table.peer(name, peer) if peer else table.best_peer(name)) / table.time(name, ours)
              for name in problems}
    name, ratio = lowest(ratios)
    return at_least("speed", f"{text}: lowest ({name})", ratio, least, "x")


def mma_claims(table):
    problems = [name for name in table.problems("fa_*") if not fnmatch.fnmatchcase(name, "*d256*")]
    ratios = {name: table.peer(name, FLASH_ATTENTION_2) / table.time(name, "mma") for name in problems}
    seed = "seed_b1h8s512d64"
    return [
        at_most("speed", "seed problem, best of ours in the best peer", table.time(seed) / table.best_peer(seed), 0.62),
        at_least("speed", "seed problem, best of ours over scalar", table.time(seed, "scalar") / table.time(seed), 35,
                 "x"),
        *ahead("mma over FlashAttention-2", ratios, 1.15, 1.0),
        at_least("speed", "mma at head_dim 128, 8k", table.tflops("fa_s8192d128", "mma"), 400, " TFLOP/s"),
        every("encoders and small over FlashAttention-2", table, table.problems("vit_*", "bert_*", "small_*"), 1.3,
              peer=FLASH_ATTENTION_2),
        every("decoding over the best peer", table, table.problems("decode_*"), 1.0),
    ]


def wgmma_claims(table):
    ratios = {name: table.best_peer(name) / table.time(name, "wgmma") for name in table.problems("fa_*")}
    _, at_128 = lowest({name: table.tflops(name, "wgmma") for name in ("fa_s8192d128", "fa_s16384d128")})
    return [
        *ahead("wgmma over the best peer", ratios, 1.05, 0.97),
        at_least("speed", "wgmma at head_dim 128, 8k and 16k", at_128, 650, " TFLOP/s"),
        at_least("speed", "wgmma at head_dim 64, 8k", table.tflops("fa_s8192d64", "wgmma"), 480, " TFLOP/s"),
        at_least("speed", "wgmma at head_dim 128, 16k, causal", table.tflops("fa_s16384d128c", "wgmma"), 550,
                 " TFLOP/s"),
        every("prefill over the best peer", table, table.problems("llama*"), 1.05),
        every("encoders and small over the best peer", table,
              table.problems("bert_*", "vit_*", "sd_*", "small_*"), 1.1),
    ]


def speed(program):
    """The kernels are as fast as stated beside those of PyTorch, on the problems of configs/peers.json."""
    output = program.folder / "peers.json"
    result = program.run("compare_torch", [
        sys.executable, program.source / "scripts" / "compare_torch.py", "--library",
        program.build / "libflashcore.so", "--config", "peers", "--variants", ",".join(VARIANTS), "--peers", PEERS,
        "--device", program.device, "--budget", program.budget(60), "--output", output], codes=(0, 1, 4))
    if not output.exists():
        return [Claim("speed", "beside PyTorch's kernels", "a run", result.stderr.strip().splitlines()[-1], None)]
    table = Table(read_records(output))
    return mma_claims(table) + wgmma_claims(table)
