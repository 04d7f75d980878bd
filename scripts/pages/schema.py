"""The keys of an object, as a JSON schema has them."""

import math

from .records import number

MOST = 2**31 - 1  # bounds of the type, not of the meaning


def resolve(document, node):
    while "$ref" in node:
        place = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            place = place[part]
        node = {**place, **{key: value for key, value in node.items() if key != "$ref"}}
    return node


def range_words(node):
    words = []
    least, most = node.get("minimum", -math.inf), node.get("maximum", math.inf)
    if "exclusiveMinimum" in node:
        words.append(f"above {number(node['exclusiveMinimum'], 1)}")
    elif abs(least) < MOST:
        words.append(f"from {number(least, 1)}")
    if abs(most) < MOST:
        words.append(f"{'to' if words and words[0].startswith('from') else 'up to'} {number(most, 1)}")
    return " ".join(words)


def takes(document, node):
    """What a key may hold, in words."""
    node = resolve(document, node)
    options = node.get("oneOf") or node.get("anyOf")
    if options:
        options = [resolve(document, option) for option in options]
        words = dict.fromkeys(takes(document, option) for option in options if option.get("type") != "array")
        listed = any(option.get("type") == "array" for option in options)
        return " or ".join(words) + (", or a list of these" if listed else "")
    if "enum" in node:
        return ", ".join(f"`{word}`" for word in node["enum"])
    names = {"integer": "whole number", "number": "number", "boolean": "`true`, `false`", "string": "text",
             "object": "object", "array": "list"}
    return f"{names[node['type']]} {range_words(node)}".rstrip()


def meaning(document, node):
    described = resolve(document, node).get("description", "")
    return described.replace("|", "\\|").replace("<", "&lt;")


def keys(site, files, words=()):
    """A table of the keys of the schema's object; `words` may name one of its definitions and a key below it."""
    document = site.load(files[0])
    node = document
    for word in words:
        node = resolve(document, node.get("properties", {}).get(word) or document["definitions"][word])
    lines = ["| key | takes | meaning |", "|---|---|---|"]
    for key, value in node["properties"].items():
        lines.append(f"| `{key}` | {takes(document, value)} | {meaning(document, value)} |")
    return lines
