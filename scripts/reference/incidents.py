"""Joins the article's incidents with generated ones and labels all of them."""

import csv
import json
import math
import pathlib
import re
import sys

import yaml
from geographiclib.geodesic import Geodesic


def distance_m(latitude, longitude, line):
    """WGS 84 distance to the line: the nearest segment on a local plane, then the geodesic to its foot."""
    scale = math.cos(math.radians(latitude))
    best = None
    for (ax, ay), (bx, by) in zip(line, line[1:]):
        abx, aby = (bx - ax) * scale, by - ay
        apx, apy = (longitude - ax) * scale, latitude - ay
        length = abx * abx + aby * aby
        t = max(0.0, min(1.0, (apx * abx + apy * aby) / length)) if length else 0.0
        d = (apx - t * abx) ** 2 + (apy - t * aby) ** 2
        if best is None or d < best[0]:
            best = (d, ay + t * aby, ax + t * (bx - ax))
    return Geodesic.WGS84.Inverse(latitude, longitude, best[1], best[2])["s12"]


PLACES = []
LEVELS = ["none", "low", "moderate", "high"]


def label(event, rules, line, towns):
    """By the definitions: what the kind of event says, raised by nearness."""
    for rule in rules:
        if rule["category"] == event["category"] and re.search(rule.get("narrative", ""), event.get("narrative", "")):
            break
    else:
        raise SystemExit(f"no label for {event['category']}: {event.get('narrative')}")
    level = rule["level"]
    location = event.get("location", {})
    near_m = None
    if "lat" in location:
        near_m = distance_m(location["lat"], location["lon"], line)
        if near_m <= 5_000 and rule.get("violent_or_smuggling"):
            level = max(level, "moderate", key=LEVELS.index)
    elif "place" in location:
        # Of namesakes the one nearest to the line: the seeds tell of this border.
        distances = [distance_m(float(town["latitude"]), float(town["longitude"]), line) for town in towns
                     if location["place"].split(",")[0] in (town["name"], *town["aliases"].split("|"))
                     and town["country"] == location.get("country", town["country"])]
        near_m = min(distances, default=None)
    else:
        # The generator's own places, by their own coordinates.
        place = next((p for p in PLACES if p[0] in event.get("narrative", "")), None)
        if place:
            near_m = distance_m(place[1], place[2], line)
    if near_m is not None and near_m <= 50_000:
        level = max(level, "low", key=LEVELS.index)
    return {"level": level, "flow": rule.get("flow", "none"), "migration_only": rule.get("migration_only", False)}


def main():
    folder = pathlib.Path(sys.argv[1])
    check = "--check" in sys.argv[2:]
    incidents = folder / "incidents"
    geojson = json.loads((folder / "reference/border/us-mx.geojson").read_text(encoding="utf-8"))
    line = geojson["geometry"]["coordinates"]
    line = [point for point in line if -116 < point[0] < -108]
    with open(folder / "reference/places/towns.csv", encoding="utf-8", newline="") as file:
        towns = list(csv.DictReader(file))
    rules = yaml.safe_load((incidents / "source/labels.yaml").read_text(encoding="utf-8"))["labels"]
    for text in (incidents / "generator/places.txt").read_text(encoding="utf-8").splitlines():
        fields = [field.strip() for field in text.split("|")]
        if len(fields) == 7 and not text.startswith("#"):
            PLACES.append((fields[2], float(fields[3]), float(fields[4])))
    entries = []
    for text in (incidents / "source/article.jsonl").read_text(encoding="utf-8").splitlines():
        entry = json.loads(text)
        entries.append((entry["event"], entry["expected"]))
    for text in sys.stdin.read().splitlines():
        event = json.loads(text)
        entries.append((event, label(event, rules, line, towns)))
    entries.sort(key=lambda entry: (entry[0]["occurred_at"], entry[0].get("narrative", "")))
    events, labels = [], []
    for number, (event, expected) in enumerate(entries, 1):
        event.pop("id", None)
        identifier = f"seed-{number:04d}"
        events.append(json.dumps({"id": identifier, **event}, ensure_ascii=False, separators=(",", ":")))
        labels.append(json.dumps({"id": identifier, **expected}, ensure_ascii=False))
    differing = False
    for name, lines in (("arizona-sonora.jsonl", events), ("arizona-sonora.expected.jsonl", labels)):
        path = incidents / name
        made = "\n".join(lines) + "\n"
        if not path.exists() or path.read_text(encoding="utf-8") != made:
            differing = True
            print(f"{'differs' if check else 'written'}: seeds/incidents/{name}")
            if not check:
                path.write_text(made, encoding="utf-8")
    if not differing:
        print("seeds/incidents is what the recipe makes")
    return 1 if check and differing else 0


sys.exit(main())
