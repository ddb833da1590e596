"""Reference data and tags against oracles that are not our own: GeographicLib, a JSON Schema validator, json."""

import json
import math
import os
import pathlib
import random
import subprocess
import unittest

import jsonschema
from geographiclib.geodesic import Geodesic

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("ENLACE_BIN", ROOT / ".build" / "release"))
SEEDS = ROOT / "seeds"


def enrich(events):
    text = "".join(json.dumps(event) + "\n" for event in events)
    done = subprocess.run([BIN / "enlace", "enrich", "--seeds", SEEDS], input=text.encode(), capture_output=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def foot(latitude, longitude, line):
    """The nearest point of the line by ternary search on true geodesics over every near segment."""
    scale = math.cos(math.radians(latitude))

    def rough(a, b):
        abx, aby = (b[0] - a[0]) * scale, b[1] - a[1]
        apx, apy = (longitude - a[0]) * scale, latitude - a[1]
        length = abx * abx + aby * aby
        t = max(0.0, min(1.0, (apx * abx + apy * aby) / length)) if length else 0.0
        return (apx - t * abx) ** 2 + (apy - t * aby) ** 2

    segments = list(zip(line, line[1:]))
    squared = [rough(a, b) for a, b in segments]
    limit = math.sqrt(min(squared)) * 1.02 + 1e-4
    best = math.inf
    for (a, b), value in zip(segments, squared):
        if math.sqrt(value) > limit:
            continue
        low, high = 0.0, 1.0

        def distance(t):
            return Geodesic.WGS84.Inverse(
                latitude, longitude, a[1] + t * (b[1] - a[1]), a[0] + t * (b[0] - a[0]), Geodesic.DISTANCE)["s12"]

        for _ in range(28):
            third = (high - low) / 3
            if distance(low + third) < distance(high - third):
                high -= third
            else:
                low += third
        best = min(best, distance((low + high) / 2))
    return best


def is_south(latitude, longitude, line):
    odd = False
    for a, b in zip(line, line[1:]):
        if (a[0] <= longitude) != (b[0] <= longitude):
            t = (longitude - a[0]) / (b[0] - a[0])
            odd ^= a[1] + t * (b[1] - a[1]) > latitude
    return odd


class Border(unittest.TestCase):
    def test_distance_and_side_agree_with_geographiclib(self):
        geojson = json.loads((SEEDS / "reference/border/us-mx.geojson").read_text(encoding="utf-8"))
        line = geojson["geometry"]["coordinates"]
        chance = random.Random(20261124)
        places = []
        while len(places) < 300:
            x, y = chance.choice(line)
            spread = chance.choice([0.005, 0.1, 1.0, 2.7])
            longitude, latitude = round(x + chance.gauss(0, spread), 6), round(y + chance.gauss(0, spread), 6)
            if -117.2 < longitude < -97.2 and 22 < latitude < 36:
                places.append((latitude, longitude))
        events = [{"occurred_at": "2026-10-05T10:00:00Z", "station": "nogales", "category": "other",
                   "location": {"lat": latitude, "lon": longitude}} for latitude, longitude in places]
        for (latitude, longitude), event in zip(places, enrich(events)):
            tags = event["cross_border"]
            wanted = foot(latitude, longitude, line)
            self.assertAlmostEqual(tags["border"]["distance_m"], wanted, delta=1.0,
                                   msg=f"{latitude}, {longitude}")
            if wanted > tags["border"]["accuracy_m"] + 1:
                self.assertEqual(tags["side"], "MX" if is_south(latitude, longitude, line) else "US",
                                 f"{latitude}, {longitude}")
            elif wanted < tags["border"]["accuracy_m"] - 1:
                self.assertEqual(tags["side"], "ambiguous")


class Seeds(unittest.TestCase):
    def test_the_recipes_make_what_is_committed(self):
        for script in ("build-reference-data", "build-seed-incidents"):
            done = subprocess.run([ROOT / "scripts" / script, "--check"], capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_seed_incidents_are_tagged_as_labelled(self):
        path = SEEDS / "incidents/arizona-sonora.jsonl"
        events = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        labels = (SEEDS / "incidents/arizona-sonora.expected.jsonl").read_text(encoding="utf-8").splitlines()
        self.assertGreaterEqual(len(events), 220)
        self.assertEqual({event["status"] for event in events}, {"exercise"})
        for event, label in zip(enrich(events), map(json.loads, labels), strict=True):
            tags = event["cross_border"]
            self.assertEqual({"id": event["id"], "level": tags["level"], "flow": tags["flow"],
                              "migration_only": tags["migration_only"]}, label)
            for piece in tags["evidence"]:
                if piece["span"]:
                    self.assertTrue(event["narrative"][piece["span"]["start"]:piece["span"]["end"]].strip())

    def test_schema_and_code_agree(self):
        schema = json.loads((SEEDS / "reference/incident.schema.json").read_text(encoding="utf-8"))
        validator = jsonschema.Draft202012Validator(schema)
        jsonschema.Draft202012Validator.check_schema(schema)
        for line in (SEEDS / "incidents/arizona-sonora.jsonl").read_text(encoding="utf-8").splitlines():
            validator.validate(json.loads(line))
        bad = (SEEDS / "incidents/malformed.jsonl").read_bytes().split(b"\n")
        # What a schema cannot say: bytes, duplicates, lengths in bytes, personal fields inside extra, known stations.
        beyond = {"extra.birth_date", "occurred_at", "station"}
        for entry in map(json.loads, (SEEDS / "incidents/malformed.expected.jsonl").read_text().splitlines()):
            if entry["field"] is None or entry["field"] in beyond or "duplicate" in entry["reason_contains"]:
                continue
            event = json.loads(bad[entry["line"] - 1])
            self.assertFalse(validator.is_valid(event), f"line {entry['line']} passes the schema")

    def test_enrich_answers_every_malformed_line(self):
        path = SEEDS / "incidents/malformed.jsonl"
        done = subprocess.run([BIN / "enlace", "enrich", path, "--seeds", SEEDS], capture_output=True)
        self.assertEqual(done.returncode, 65)
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        wanted = [json.loads(line) for line in (SEEDS / "incidents/malformed.expected.jsonl").read_text().splitlines()]
        self.assertEqual(len(answers), len(wanted))
        for answer, entry in zip(answers, wanted):
            if entry.get("only") == "publish":
                self.assertIn("cross_border", answer)
                continue
            self.assertEqual((answer["error"]["line"], answer["error"]["field"]), (entry["line"], entry["field"]))
            self.assertIn(entry["reason_contains"], answer["error"]["reason"])


if __name__ == "__main__":
    unittest.main()
