"""A claim, what was found, and whether the claim holds."""

import dataclasses
import json


@dataclasses.dataclass
class Claim:
    """`held` is None if the claim could not be tested; `got` then says why."""
    step: str
    text: str
    wanted: str
    got: str
    held: bool | None


def at_most(step, text, value, limit, unit=""):
    return Claim(step, text, f"<= {limit:g}{unit}", f"{value:.4g}{unit}", value <= limit)


def at_least(step, text, value, limit, unit=""):
    return Claim(step, text, f">= {limit:g}{unit}", f"{value:.4g}{unit}", value >= limit)


def table(claims):
    """One line per claim, in columns."""
    rows = [("step", "claim", "wanted", "got", "holds")]
    rows += [(claim.step, claim.text, claim.wanted, claim.got, {True: "yes", False: "NO", None: "?"}[claim.held])
             for claim in claims]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)


def write(path, environment, claims):
    content = {"environment": environment, "claims": [dataclasses.asdict(claim) for claim in claims]}
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
