"""Places from words, against texts that were labelled without sight of the code; positions are those of GeoNames."""

import json
import os
import pathlib
import subprocess
import unittest

from geographiclib.geodesic import Geodesic

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("ENLACE_BIN", ROOT / ".build" / "release"))
SEEDS = ROOT / "seeds"
TEXTS = [ROOT / "Tests" / "Places" / name for name in ("places.jsonl", "places-2.jsonl")]


def enrich(events):
    text = "".join(json.dumps(event) + "\n" for event in events)
    done = subprocess.run([BIN / "enlace", "enrich", "--seeds", SEEDS], input=text.encode(), capture_output=True)
    return [json.loads(line)["cross_border"] for line in done.stdout.splitlines()]


def is_right(expect, record, place):
    if expect["place"] is None or place is None:
        may_be_none = expect["place"] is None or record.get("acceptable_none") or record["kind"] == "state"
        # A state says no more than which part of the world.
        is_none = place is None or place["kind"] == "state"
        return may_be_none and is_none
    if expect["lat"] is None:
        # Only which side can be told: a whole river, a hamlet that no list has.
        return True
    away = Geodesic.WGS84.Inverse(place["lat"], place["lon"], expect["lat"], expect["lon"])["s12"]
    return away <= max(expect["within_m"], place["accuracy_m"] if place["kind"] not in ("town", "crossing") else 0)


def judge(records):
    """The wrong ones: those at another place, and those whose side is stated as certain and is not the right one."""
    misplaced, wrong_side = [], []
    for record, tags in zip(records, enrich([record["event"] for record in records]), strict=True):
        expect = record["expect"]
        if not is_right(expect, record, tags["place"]):
            misplaced.append((record, tags))
        if tags["side"] in ("US", "MX") and expect["side"] not in (None, tags["side"]):
            wrong_side.append((record, tags))
    return misplaced, wrong_side


class Places(unittest.TestCase):
    def test_texts_give_the_right_place_or_rightly_none_and_no_wrong_side(self):
        for path in TEXTS:
            with self.subTest(path.name):
                self.check([json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()])

    def check(self, records):
        self.assertGreaterEqual(len(records), 300)
        self.assertGreaterEqual(sum(record["trap"] for record in records), len(records) * 0.4)
        misplaced, wrong_side = judge(records)
        for record, tags in wrong_side:
            self.fail(f"{record['id']}: side {tags['side']}, not {record['expect']['side']}: {record['event']}")
        share = 1 - len(misplaced) / len(records)
        self.assertGreaterEqual(share, 0.93, [record["id"] for record, _ in misplaced])


if __name__ == "__main__":
    import sys

    texts = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
    for name, wrong in zip(("place", "side"), judge(texts)):
        for record, tags in wrong:
            found = tags["place"] and (tags["place"]["name"], tags["place"]["region"])
            print(name, record["id"], tags["side"], found, "expected", record["expect"]["place"], record["expect"]["side"],
                  "|", record["event"]["station"], record["event"].get("location"), record["event"].get("narrative"))
        print(f"{name}: {len(wrong)} of {len(texts)} wrong")
