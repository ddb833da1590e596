"""Makes the files of seeds/reference/ that have a recipe: lines, outlines, towns, states, event schema."""

import pathlib
import sys

import border
import countries
import detroit
import schema
import states
import towns


def main() -> int:
    folder = pathlib.Path(sys.argv[1])
    check = "--check" in sys.argv[2:]
    made = {**border.build(), **schema.build(folder)}
    line = made["border/us-mx.geojson"]
    made |= {**towns.build(folder, line), **countries.build(line), **states.build(folder), **detroit.build()}
    differing = []
    for name, text in made.items():
        path = folder / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        differing.append(name)
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    for name in differing:
        print(f"{'differs' if check else 'written'}: seeds/reference/{name}")
    if not differing:
        print("seeds/reference is what the recipe makes")
    return 1 if check and differing else 0


if __name__ == "__main__":
    sys.exit(main())
