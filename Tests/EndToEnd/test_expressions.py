"""Expressions: tried by themselves, over events, and as the condition of `archive cat`."""

import json
import os
import subprocess
import tempfile
import unittest

from pipeline import BIN, ROOT, SEEDS, Pipeline
from test_docs import commands


def expr(*words, events=None):
    """What `enlace expr` answers."""
    return subprocess.run([BIN / "enlace", "expr", *words], input=events, capture_output=True, text=True, timeout=60)


def lines(*events):
    return "".join(json.dumps(event) + "\n" for event in events)


class Values(unittest.TestCase):
    def test_a_value_is_printed_as_json(self):
        for source, wanted in (
                ('"nogales".startsWith("nog") && size([1,2]) == 2', True),
                ("1 + 2 * 3", 7), ("18446744073709551615u", 18446744073709551615), ("3.0", 3.0), ("null", None),
                ("'a\\n\"\\u00e9'", 'a\n"é'), ("[1, 'a', [true]]", [1, "a", [True]]),
                ("{'a': 1, 2: null, true: {}}", {"a": 1, "2": None, "true": {}}),
                ("timestamp('2026-11-25T05:00:00.25-07:00')", "2026-11-25T12:00:00.25Z"),
                ("duration('1h')", "3600s"), ("duration('-1500ms')", "-1.5s"), ("b'ab\\xff'", "YWL/"), ("b'a'", "YQ=="),
                ("b'ab'", "YWI="), ("b''", ""), ("0.0 / 0.0", "NaN"), ("(-1.0) / 0.0", "-Infinity"), ("int", "int"),
                ("type(timestamp(0))", "google.protobuf.Timestamp"),
                ("[3, 1].filter(x, x > 1).map(x, x * 2)", [6])):
            done = expr(source)
            self.assertEqual((done.returncode, done.stderr), (0, ""), source)
            self.assertEqual(json.loads(done.stdout), wanted, source)
            self.assertEqual(done.stdout.count("\n"), 1)
        self.assertEqual(expr("1.0").stdout, "1.0\n")
        self.assertEqual(expr("--", "-1 - 1").stdout, "-2\n")

    def test_an_error_has_its_place_and_a_caret(self):
        for source, place, words, caret in (
                ("1 +", "1:4:", "ends where a value is expected", 3), ("1 / 0", "1:3:", "division by zero", 2),
                ("'a'.startWith('a')", "1:5:", "did you mean startsWith?", 4), ("nowhere", "1:1:", "nowhere", 0),
                ("'a'.matches('a')", "1:5:", "regular expressions are left out", 4),
                ("timestamp('x')", "1:1:", "RFC 3339", 0), ("", "1:1:", "no expression", 0)):
            done = expr(source)
            self.assertEqual((done.returncode, done.stdout), (65, ""), source)
            told = done.stderr.splitlines()
            self.assertIn(place, told[0])
            self.assertIn(words, told[0])
            self.assertEqual(told[1:3], ["  " + source, "  " + " " * caret + "^"])
        done = expr("true &&\n  1 > 'a'")
        self.assertEqual(done.returncode, 65)
        self.assertIn("2:5:", done.stderr)
        self.assertIn("--event FILE", expr("station").stderr)
        self.assertNotIn("--event FILE", expr("statoin").stderr)

    def test_usage(self):
        self.assertEqual(expr().returncode, 64)
        self.assertEqual(expr("1", "--events", "x").returncode, 64)
        done = expr("1", "--event", "/no/such/file")
        self.assertEqual(done.returncode, 1)
        self.assertIn("/no/such/file", done.stderr)
        done = expr("--help")
        self.assertEqual(done.returncode, 0)
        self.assertIn("Examples", done.stdout)

    def test_no_expression_takes_long_or_prints_without_end(self):
        doubling = "[1]" + ".map(a, [a, a])" * 80
        for source, words in (
                (doubling, "too large"), (f"{doubling} == {doubling}", "takes too long"),
                ("[1,2,3,4,5,6,7,8,9,10]" + ".map(a, [a,a,a,a,a,a,a,a,a,a])" * 7, "too large"),
                ("(" * 500, "nested"), ("'" + "x" * 20000 + "'", "longer than"), ("'a'" + " + 'a'" * 400, "nested too deep")):
            done = expr(source)
            self.assertEqual((done.returncode, done.stdout), (65, ""), source[:40])
            self.assertIn(words, done.stderr)


class Events(unittest.TestCase):
    def test_the_fields_of_each_event_are_names(self):
        events = lines({"station": "nogales", "location": {"lat": 31.3}}, {"station": "douglas"})
        done = expr("station + (has(event.location) ? '!' : '')", "--event", "-", events=events)
        self.assertEqual((done.returncode, done.stdout), (0, '"nogales!"\n"douglas"\n'), done.stderr)
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
            file.write(events)
            file.flush()
            done = expr("location.lat > 31.0", "--event", file.name)
            self.assertEqual((done.returncode, done.stdout), (65, "true\n"))
            self.assertIn(f'{file.name}:2: 1:1: no such field "location"', done.stderr)
            self.assertIn("has(event.location)", done.stderr)

    def test_what_an_event_does_not_have_is_an_error_that_others_absorb(self):
        done = expr("severity == 'severe' || true", "--event", "-", events=lines({"station": "a"}))
        self.assertEqual((done.returncode, done.stdout), (0, "true\n"))
        done = expr("sevrity == 'severe' || true", "--event", "-", events=lines({"station": "a"}))
        self.assertEqual((done.returncode, done.stdout), (65, ""))
        self.assertIn("did you mean severity?", done.stderr)

    def test_fields_that_are_no_incident_fields_may_be_named_where_they_are(self):
        done = expr("pressure * 2", "--event", "-", events=lines({"pressure": 4}, {"pressure": 5}))
        self.assertEqual((done.returncode, done.stdout), (0, "8\n10\n"), done.stderr)

    def test_lines_that_are_no_events_are_told_and_the_others_still_answered(self):
        done = expr("station", "--event", "-", events='{"station":"a"}\n\nnull\n{"station":\n[1]\n{"station":"b"}')
        self.assertEqual((done.returncode, done.stdout), (65, '"a"\n"b"\n'))
        told = done.stderr.splitlines()
        self.assertEqual([line.split(":")[2] for line in told], ["3", "4", "5"])

    def test_numbers_are_whole_when_they_are_written_so(self):
        events = '{"a":1,"b":1.0,"c":18446744073709551615,"d":-9223372036854775808,"e":1e2}\n'
        done = expr("[type(a), type(b), type(c), type(d), type(e)]", "--event", "-", events=events)
        self.assertEqual(json.loads(done.stdout), ["int", "double", "uint", "int", "double"])

    def test_an_expression_is_read_even_when_there_are_no_events(self):
        self.assertEqual(expr("1 +", "--event", "-", events="").returncode, 65)
        done = expr("station", "--event", "-", events="")
        self.assertEqual((done.returncode, done.stdout), (0, ""))


class Archive(unittest.TestCase):
    """One archive of the seed's incidents, from two stations."""

    @classmethod
    def setUpClass(cls):
        cls.flow = Pipeline(stations=("nogales", "douglas", "hermosillo", "puerto-penasco"))
        cls.addClassCleanup(cls.flow.__exit__)
        cls.flow.start()
        done = cls.flow.run("publish", SEEDS / "incidents/arizona-sonora.jsonl")
        assert done.returncode == 0, done.stderr
        # For the rejects.
        assert cls.flow.run("publish", SEEDS / "incidents/malformed.jsonl").returncode == 0
        assert cls.flow.stop() == 0
        cls.events = [json.loads(line) for line in cls.flow.archived()]
        assert len(cls.events) > 100

    def cat(self, *words):
        done = self.flow.run("archive", "cat", self.flow.archive, *words, common=False)
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr.decode()

    def test_only_events_that_meet_the_condition(self):
        def near(event):
            border = event["cross_border"]["border"]
            return border is not None and border["distance_m"] < 5000 and event["category"].startswith("assault")

        condition = 'cross_border.border.distance_m < 5000.0 && category.startsWith("assault")'
        code, found, _ = self.cat("--where", condition)
        wanted = [event for event in self.events if near(event)]
        self.assertEqual((code, found), (0, wanted))
        self.assertTrue(wanted)
        # Of a border that is null nothing can be asked.
        nowhere = sum(event["cross_border"]["border"] is None for event in self.events)
        self.assertGreater(nowhere, 1)
        code, found, told = self.cat("--where", "cross_border.border.distance_m >= 0")
        self.assertEqual((code, len(found)), (0, len(self.events) - nowhere))
        self.assertIn(f"could not be asked of {nowhere} events", told)
        self.assertIn("null has no field", told)

    def test_the_lines_are_the_archive_s_own_bytes(self):
        words = ["archive", "cat", self.flow.archive, "--station", "nogales"]
        whole = self.flow.run(*words, common=False).stdout
        self.assertEqual(self.flow.run(*words, "--where", "true", common=False).stdout, whole)
        done = self.flow.run(*words, "--where", "false", common=False)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"", b""))

    def test_events_of_which_it_cannot_be_asked_are_left_out_and_counted_once(self):
        code, found, told = self.cat("--where", "location.lat > 31.0")
        wanted = [event for event in self.events if event.get("location", {}).get("lat", 0) > 31]
        without = [event for event in self.events if "lat" not in event.get("location", {})]
        self.assertEqual((code, found), (0, wanted))
        self.assertTrue(without)
        self.assertIn(f"could not be asked of {len(without)} events", told)
        self.assertEqual(told.count("^"), 1)
        code, found, told = self.cat("--where", "has(event.location) && has(location.lat) && location.lat > 31.0")
        self.assertEqual((code, found, told), (0, wanted, ""))
        code, found, told = self.cat("--where", "1 == 1 ? station : ''")
        self.assertEqual((code, found), (0, []))
        self.assertIn("true or false", told)

    def test_it_joins_the_other_filters(self):
        code, found, _ = self.cat("--station", "nogales", "--where", 'category != "other"')
        wanted = [event for event in self.events if event["station"] == "nogales" and event["category"] != "other"]
        self.assertEqual((code, found), (0, wanted))
        self.assertTrue(wanted)
        received = min(event["ingest"]["received_at"] for event in self.events)
        self.assertEqual(self.cat("--to", received, "--where", "true")[1], [])
        self.assertEqual(len(self.cat("--from", received, "--where", "true")[1]), len(self.events))
        code, found, _ = self.cat("--occurred-from", "2026-10-10T00:00:00Z",
                                  "--where", 'timestamp(occurred_at) < timestamp("2026-10-12T00:00:00Z")')
        wanted = self.cat("--occurred-from", "2026-10-10T00:00:00Z", "--occurred-to", "2026-10-12T00:00:00Z")[1]
        self.assertEqual(found, wanted)
        self.assertTrue(wanted)

    def test_a_condition_is_read_before_the_archive_is(self):
        for condition, words in (("category = 1", "equality is =="), ("categry == 'x'", "did you mean category?"),
                                 ("category.matches('a')", "left out")):
            done = self.flow.run("archive", "cat", "/no/such/archive", "--where", condition, common=False)
            self.assertEqual((done.returncode, done.stdout), (65, b""), condition)
            self.assertIn(words, done.stderr.decode())
            self.assertIn("^", done.stderr.decode())

    def test_expr_over_what_cat_writes(self):
        script = f"{BIN}/enlace archive cat {self.flow.archive} | {BIN}/enlace expr 'cross_border.level' --event -"
        done = subprocess.run(["bash", "-o", "pipefail", "-c", script], capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(list(map(json.loads, done.stdout.splitlines())), [e["cross_border"]["level"] for e in self.events])

    def test_what_the_document_shows_works(self):
        shown = list(commands("docs/expressions.md"))
        self.assertGreaterEqual(len(shown), 10)
        environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "ENLACE_STATE_DIR": str(self.flow.state_dir)}
        for line in shown:
            line = line.replace("/var/lib/enlace", str(self.flow.state_dir))
            done = subprocess.run(["bash", "-o", "pipefail", "-c", line], cwd=ROOT, env=environment, capture_output=True,
                                  timeout=60)
            self.assertEqual(done.returncode, 0, f"{line}\n{done.stderr.decode()}")
            self.assertTrue(done.stdout, line)


if __name__ == "__main__":
    unittest.main()
