"""Charts as SVG, drawn from result files. They need no library, and the same file gives the same bytes."""

import math
from xml.sax.saxutils import escape

from . import records as rec

# Okabe, Ito: "Color Universal Design", 2008; they stay apart for readers who see few colours.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#555555")
INK, FAINT = "#24292f", "#d0d7de"
WIDTH = 880


class Svg:
    def __init__(self, height, title):
        self.height = height
        self.parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
                      f'height="{height}" role="img" font-family="system-ui, sans-serif" font-size="12">',
                      f"<title>{escape(title)}</title>",
                      f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>']

    def text(self, x, y, words, anchor="start", weight="normal", size=12):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}" '
                          f'font-size="{size}" fill="{INK}">{escape(words)}</text>')

    def line(self, points, color, width=1.0):
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="{width}"/>')

    def dot(self, x, y, color):
        self.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>')

    def bar(self, x, y, width, height, color):
        self.parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{color}"/>')

    def legend(self, y, names):
        x = 60.0
        for name, color in zip(names, COLORS):
            self.bar(x, y - 9, 12, 10, color)
            self.text(x + 17, y, name)
            x += 8 * len(name) + 30

    def __str__(self):
        return "\n".join([*self.parts, "</svg>", ""])


def round_up(value):
    """The next of 1, 2, 2.5, 4, 5, 8, 10 times a power of ten, and a step that divides it."""
    power = 10 ** math.floor(math.log10(value))
    most = next(factor * power for factor in (1, 2, 2.5, 4, 5, 8, 10) if factor * power >= value)
    return most, most / (5 if most / power in (1, 2.5, 5, 10) else 4)


def short(count):
    return f"{count // 1024}k" if count >= 1024 and count % 1024 == 0 else str(count)


def family_name(family):
    return family.removeprefix("peer_").replace("torch_", "PyTorch ") if family.startswith("peer_") else family


def sequence_panels(records):
    """Records of problems that differ only in batch and sequence length at the same number of tokens: three lengths or
    more make a panel."""
    groups = {}
    for same in rec.by_problem(records):
        problem = same[0]["problem"]
        if problem["seq_q"] != problem["seq_kv"]:
            continue
        shape = tuple(problem[key] for key in ("head_dim", "dtype", "heads_q", "heads_kv"))
        tokens = problem["batch"] * problem["seq_q"]
        groups.setdefault((*shape, bool(problem.get("causal")), tokens), {})[problem["seq_q"]] = same
    return {group: lengths for group, lengths in groups.items() if len(lengths) >= 3}


def panel_series(lengths, peers):
    """TFLOP/s by length, of the fastest of this project and of each peer."""
    series = {"fastest here": {}, **{peer: {} for peer in peers}}
    for length, records in sorted(lengths.items()):
        own = rec.fastest([record for record in records if not rec.is_peer(record)])
        if own:
            series["fastest here"][length] = own["tflops"]
        for record in rec.best_of_families(records):
            if record["family"] in peers:
                series[record["family"]][length] = record["tflops"]
    return series


def axes(svg, box, most, step):
    left, top, width, height = box
    for i in range(round(most / step) + 1):
        y = top + height * (1 - i * step / most)
        svg.line([(left, y), (left + width, y)], FAINT)
        svg.text(left - 6, y + 4, f"{i * step:g}", "end")


def draw_panel(svg, box, title, series, scale):
    left, top, width, height = box
    most, step = scale
    axes(svg, box, most, step)
    svg.text(left, top - 8, title, weight="bold")
    lengths = sorted({length for values in series.values() for length in values})
    place = {length: left + width * (i + 0.5) / len(lengths) for i, length in enumerate(lengths)}
    for length in lengths:
        svg.text(place[length], top + height + 16, short(length), "middle")
    for (name, values), color in reversed(list(zip(series.items(), COLORS))):
        points = [(place[length], top + height * (1 - value / most)) for length, value in values.items()]
        svg.line(points, color, 3 if name == "fastest here" else 1.5)
        for x, y in points:
            svg.dot(x, y, color)


def sequence_chart(document):
    """TFLOP/s against the sequence length, one panel per head_dim and mask; nothing where no problems make a panel."""
    panels = sequence_panels(document["records"])
    if not panels:
        return None
    peers = rec.peer_families(document["records"])
    series = {group: panel_series(lengths, peers) for group, lengths in panels.items()}
    scale = round_up(max(value for one in series.values() for values in one.values() for value in values.values()))
    rows = -(-len(panels) // 2)
    title = f"{rec.device_name(document['environment'])}: TFLOP/s against sequence length"
    svg = Svg(80 + 230 * rows, title)
    svg.text(60, 24, title, weight="bold", size=15)
    svg.legend(48, ["fastest here", *map(family_name, peers)])
    for i, ((head_dim, dtype, heads_q, _, causal, tokens), one) in enumerate(series.items()):
        box = (60 + 430 * (i % 2), 92 + 230 * (i // 2), 370, 160)
        title = f"{dtype}, head_dim {head_dim}, {heads_q} heads, {'causal, ' if causal else ''}{tokens} tokens"
        draw_panel(svg, box, title, one, scale)
    return str(svg)


def ladder_chart(document):
    """TFLOP/s of the fastest right variant of each family, one group of bars per problem."""
    groups = [(same[0]["problem"], rec.best_of_families(same)) for same in rec.by_problem(document["records"])]
    groups = [(problem, best) for problem, best in groups if best]
    if not groups:
        return None
    families = list(dict.fromkeys(record["family"] for _, best in groups for record in best))[:len(COLORS)]
    most, step = round_up(max(record["tflops"] for _, best in groups for record in best))
    title = f"{rec.device_name(document['environment'])}: TFLOP/s of the fastest variant of each family"
    svg = Svg(330, title)
    svg.text(60, 24, title, weight="bold", size=15)
    svg.legend(48, map(family_name, families))
    box = (60, 80, WIDTH - 90, 200)
    axes(svg, box, most, step)
    left, top, width, height = box
    for i, (problem, best) in enumerate(groups):
        group_width = width / len(groups)
        bar_width = group_width * 0.8 / len(families)
        begin = left + group_width * (i + 0.1)
        svg.text(begin + group_width * 0.4, top + height + 18, problem["name"], "middle")
        for record in (record for record in best if record["family"] in families):
            j = families.index(record["family"])
            tall = height * record["tflops"] / most
            svg.bar(begin + bar_width * j, top + height - tall, bar_width * 0.9, tall, COLORS[j])
            svg.text(begin + bar_width * (j + 0.45), top + height - tall - 4, rec.number(record["tflops"], 2), "middle",
                     size=10)
    return str(svg)
