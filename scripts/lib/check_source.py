"""Direction of imports, leftovers, and lengths, in our own sources."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
LAYERS = ["System", "Core", "Adapters", "Stages", "Executables"]
FUNCTION_LINES = 70
FILE_LINES = 450


def targets():
    """Each target's layer, by its folder."""
    found = {}
    for layer in LAYERS:
        for folder in sorted((ROOT / "Sources" / layer).iterdir()):
            found[folder.name] = layer
    found["Simulation"] = "Simulation"
    return found


def problems():
    layer_of = targets()
    for path in sorted((ROOT / "Sources").rglob("*.swift")):
        relative = path.relative_to(ROOT)
        layer, target = relative.parts[1], relative.parts[2]
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines()
        if len(lines) > FILE_LINES:
            yield f"{relative}: {len(lines)} lines, at most {FILE_LINES}"
        for number, line in enumerate(lines, 1):
            match = re.match(r"\s*(?:@testable )?import (\w+)", line)
            if match:
                name = match.group(1)
                other = layer_of.get(name)
                if layer == "Core" and name in ("Foundation", "Glibc", "Dispatch", "Synchronization"):
                    yield f"{relative}:{number}: Core must not import {name}"
                if other is None:
                    continue
                allowed = {
                    "Core": {"Core"},
                    "Adapters": {"Core", "System"},
                    "Stages": {"Core", "Adapters", "Stages"},
                    "Simulation": {"Core", "Adapters"},
                    "Executables": {"Core", "Adapters", "Stages", "Simulation"},
                }.get(layer, set())
                if other not in allowed and name != target:
                    yield f"{relative}:{number}: {layer} must not import {name} ({other})"
        for number, line in enumerate(lines, 1):
            if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", line):
                yield f"{relative}:{number}: a leftover: {line.strip()}"
            if re.search(r"\bprint\(", line) or "try!" in line or re.search(r"\bas!", line):
                yield f"{relative}:{number}: not here: {line.strip()}"
        yield from long_functions(relative, lines)


def long_functions(relative, lines):
    for start, line in enumerate(lines):
        match = re.match(r"^(\s*)(?:[\w@()]+ )*(?:func |init[?(<])", line)
        if not match or line.rstrip().endswith(","):
            continue
        indent = match.group(1)
        for end in range(start + 1, len(lines)):
            if lines[end].startswith(indent + "}"):
                if end - start > FUNCTION_LINES:
                    yield f"{relative}:{start + 1}: a function of {end - start} lines, at most {FUNCTION_LINES}"
                break
            if lines[end].strip() and not lines[end].startswith(indent + " ") and not lines[end].startswith(indent + ")"):
                break


def main():
    found = list(problems())
    for problem in found:
        print(problem, file=sys.stderr)
    return 1 if found else 0


sys.exit(main())
