"""Reference data and tags against oracles that are not our own: GeographicLib, time zones, a JSON Schema validator, json."""

import json
import math
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest

import jsonschema
import timezonefinder

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("ENLACE_BIN", ROOT / ".build" / "release"))
SEEDS = ROOT / "seeds"
sys.path.insert(0, str(ROOT / "scripts" / "reference"))
import countries  # noqa: E402


def enrich(events):
    text = "".join(json.dumps(event) + "\n" for event in events)
    done = subprocess.run([BIN / "enlace", "enrich", "--seeds", SEEDS], input=text.encode(), capture_output=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def tagged(places, country=None):
    """The tags of positions, by `enlace enrich`."""
    more = {"country": country} if country else {}
    events = [{"occurred_at": "2026-10-05T10:00:00Z", "station": "nogales", "category": "other",
               "location": {"lat": latitude, "lon": longitude, **more}} for latitude, longitude in places]
    return [event["cross_border"] for event in enrich(events)]


class Border(unittest.TestCase):
    """Against GeographicLib for distances, against the unsimplified outlines of OpenStreetMap's time zones for sides."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="enlace-oracle-")
        cls.oracle = os.path.join(cls.folder.name, "oracle")
        source = ROOT / "Tests" / "Reference" / "oracle.cpp"
        subprocess.run(["clang++", "-O2", "-std=c++17", "-o", cls.oracle, source, "-lGeographicLib", "-lpthread"], check=True)
        geojson = json.loads((SEEDS / "reference/border/us-mx.geojson").read_text(encoding="utf-8"))
        cls.line = geojson["geometry"]["coordinates"]
        cls.finder = timezonefinder.TimezoneFinder(in_memory=True)
        cls.zones = {zone: country for country in ("US", "MX") for zone in countries.ZONES[country]}

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def distances(self, places):
        path = os.path.join(self.folder.name, "line")
        with open(path, "w", encoding="ascii") as file:
            file.writelines(f"{x} {y}\n" for x, y in self.line)
        text = "".join(f"{longitude} {latitude}\n" for latitude, longitude in places)
        done = subprocess.run([self.oracle, path], input=text, capture_output=True, text=True, check=True)
        return [float(line) for line in done.stdout.split()]

    def country(self, latitude, longitude):
        return self.zones.get(self.finder.timezone_at(lng=longitude, lat=latitude), "other")

    def check(self, places):
        """Every distance within a metre; every side right where the line is farther than it is good. Returns the sides that
        differ because an outline is coarser than the truth: at the ends of territorial waters, and at other borders."""
        coarse = 0
        for (latitude, longitude), tags, wanted in zip(places, tagged(places), self.distances(places), strict=True):
            place = f"{latitude}, {longitude}"
            self.assertAlmostEqual(tags["border"]["distance_m"], wanted, delta=1.0, msg=place)
            if wanted < tags["border"]["accuracy_m"] - 1:
                self.assertIn(tags["side"], ("ambiguous", "other"), place)
            elif wanted > tags["border"]["accuracy_m"] + 1:
                truth = self.country(latitude, longitude)
                if tags["side"] != truth:
                    self.assertIn("other", (tags["side"], truth), place)
                    coarse += 1
        return coarse

    def test_100_000_points_along_the_whole_line(self):
        chance = random.Random(20261124)
        places = []
        while len(places) < 100_000:
            (ax, ay), (bx, by) = chance.choice(list(zip(self.line[:-1:50], self.line[1::50])))
            t, spread = chance.random(), chance.choice([0.005, 0.05, 0.5, 2.0])
            longitude = round(ax + t * (bx - ax) + chance.gauss(0, spread), 6)
            latitude = round(ay + t * (by - ay) + chance.gauss(0, spread), 6)
            if abs(longitude - ax) < 3 and abs(latitude - ay) < 2.7:
                places.append((latitude, longitude))
        self.assertLess(self.check(places), len(places) * 0.004)

    def test_points_everywhere_on_earth_have_the_right_side(self):
        chance = random.Random(7)
        places = [(round(math.degrees(math.asin(chance.uniform(-1, 1))), 6), round(chance.uniform(-180, 180), 6))
                  for _ in range(20_000)]
        places += [(round(chance.uniform(14, 72), 6), round(chance.uniform(-170, -66), 6)) for _ in range(20_000)]
        wrong = [place for place, tags in zip(places, tagged(places)) if tags["side"] != self.country(*place)]
        flips = [place for place in wrong if self.country(*place) != "other"]
        self.assertLess(len(wrong), len(places) * 0.002, wrong[:20])
        self.assertLess(len(flips), len(places) * 0.001, flips[:20])

    def test_places_that_are_easy_to_get_wrong(self):
        vertex = self.line[5000]
        places = [(90, 0), (-90, 0), (90, 180), (0, 180), (0, -180), (51.88, -176.65), (52.9, 173.0), (vertex[1], vertex[0]),
                  (14.63, -90.5), (17.25, -88.77), (49.26, -123.1), (42.3, -83.02), (23.11, -82.37), (25.0, -90.0),
                  (21.3, -157.85), (20.5, -86.95), (32.5200, -117.1500), (25.9500, -97.1000)]
        sides = [tags["side"] for tags in tagged(places)]
        self.assertEqual(sides[:5], ["other"] * 5)
        self.assertEqual(sides[5:8], ["US", "US", "ambiguous"])
        self.assertEqual(sides[8:14], ["other"] * 6)
        self.assertEqual(sides[14:16], ["US", "MX"])
        # In the water by the two ends of the line.
        self.assertEqual(sides[16:18], ["MX", "MX"])

    def test_swapped_coordinates_and_a_contradicted_country_are_told(self):
        swapped = enrich([{"occurred_at": "2026-10-05T10:00:00Z", "station": "nogales", "category": "other",
                           "location": {"lat": -110.93, "lon": 31.34}}])[0]
        self.assertEqual(swapped["error"]["field"], "location.lat")
        told = tagged([(31.5, -110.93)], country="MX")[0]
        self.assertEqual(told["side"], "US")
        self.assertIn("position-country", [piece["rule"] for piece in told["evidence"]])


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
