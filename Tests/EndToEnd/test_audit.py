"""Every event is accounted for: audit, trace, and refused events put back, beside running and killed processes."""

import json
import os
import shutil
import signal
import subprocess
import unittest

from pipeline import Pipeline, generate, results, wait_for

EVENT = {"occurred_at": "2026-10-05T10:00:00-07:00", "station": "nogales", "category": "other", "status": "test"}
SUM = ("archived", "dead_lettered", "in_flight", "missing", "damaged", "removed", "elsewhere", "unexplained")


def line(**fields):
    return json.dumps({**EVENT, **fields}).encode() + b"\n"


def publish(flow, *events):
    """Begins to publish events; it ends when they are archived."""
    path = flow.folder / "events.jsonl"
    path.write_bytes(b"".join(events))
    return flow.popen("publish", path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def audit(flow, *words):
    done = flow.run("audit", "--json", *words)
    report = json.loads(done.stdout)
    for entry in [report["totals"], *report["producers"]]:
        assert entry["accepted"] == sum(entry[name] for name in SUM), entry
    return done.returncode, report


def trace(flow, event):
    done = flow.run("trace", event, "--json")
    return done.returncode, json.loads(done.stdout)["found"]


def kill(flow, name):
    """Kills a child of `enlace up` and says which process it was."""
    process = flow.child(name)
    os.kill(process, signal.SIGKILL)
    return process


class Parts:
    """The daemons one by one, without a supervisor."""

    def __init__(self, flow):
        self.flow = flow

    def start(self, *words, program, status):
        process = self.flow.popen(*words, program=program, stderr=subprocess.DEVNULL)
        wait_for(lambda: self.has_reported(process, status), program)
        return process

    def has_reported(self, process, status):
        assert process.poll() is None, status
        for path in (self.flow.run_dir / "status").glob(status):
            try:
                if json.loads(path.read_text())["pid"] == process.pid:
                    return True
            except (OSError, ValueError):
                continue
        return False

    def producer(self):
        return self.start("--station", "nogales", program="enlace-producer", status="producer.nogales.main.json")

    def enricher(self):
        return self.start("--station", "nogales", program="enlace-enricher", status="enricher.nogales.*.json")

    def sink(self):
        return self.start(program="enlace-sink", status="sink.json")


def stop(process):
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0


class Audit(unittest.TestCase):
    def test_while_running_and_after_kills_nothing_is_unexplained(self):
        with Pipeline() as flow:
            flow.start()
            feed = flow.popen("publish", "-", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            parts = generate(6_000, 7).splitlines(keepends=True)
            before = None
            for number in range(6):
                feed.stdin.write(b"".join(parts[number * 1000:(number + 1) * 1000]))
                feed.stdin.flush()
                name = ("producer.nogales", "enricher.nogales.1", "sink")[number % 3]
                before = kill(flow, name)
                for _ in range(4):
                    code, report = audit(flow)
                    self.assertEqual(code, 0, report)
                wait_for(lambda: flow.child(name) not in (None, before), f"{name} again")
            told, _ = feed.communicate(timeout=120)
            self.assertEqual(json.loads(told)["archived"], 6000)
            code, report = audit(flow)
            self.assertEqual(code, 0, report)
            self.assertEqual((report["totals"]["accepted"], report["totals"]["archived"]), (6000, 6000))
            wait_for(lambda: flow.supervisor()["counters"].get("archived_events") == 6000, "the supervisor's audit")
            counters = flow.supervisor()["counters"]
            self.assertEqual((counters["accepted_events"], counters["in_flight_events"]), (6000, 0))
            self.assertEqual((counters["dead_lettered_events"], counters["unexplained_events"]), (0, 0))
            table = flow.run("audit", "--station", "nogales").stdout.decode()
            self.assertIn("all 6000 accepted events are accounted for", table)
            self.assertEqual(audit(flow, "--station", "douglas")[1]["totals"]["accepted"], 0)

    def test_the_supervisor_raises_the_alarm_once_and_goes_on(self):
        with Pipeline() as flow:
            flow.start()
            self.assertEqual(flow.run("publish", "-", input=generate(50, 1)).returncode, 0)

            def counter(name):
                return flow.supervisor()["counters"].get(name)

            wait_for(lambda: counter("archived_events") == 50, "an audit")
            self.assertEqual(counter("unexplained_events"), 0)
            # The disk forgets lines that were synced.
            data = next(flow.archive.rglob("*.jsonl"))
            os.truncate(data, data.stat().st_size // 2)
            lost = wait_for(lambda: counter("unexplained_events"), "an audit that misses them")
            self.assertEqual(audit(flow)[1]["totals"]["unexplained"], lost)
            flow.run("publish", "-", input=generate(20, 2), timeout=60)
            wait_for(lambda: counter("accepted_events") == 70, "another audit")
            log = (flow.folder / "up.log").read_text()
            self.assertEqual(log.count("accepted events are unexplained: run enlace audit"), 1, log)
            self.assertIn("critical", log)
            self.assertEqual(flow.run("status", "--json").returncode, 0)

    def test_a_lost_archive_is_replaced_when_its_producers_are_given_the_new_one(self):
        with Pipeline() as flow:
            flow.start()
            self.assertEqual(flow.run("publish", "-", input=generate(40, 1)).returncode, 0)
            flow.stop()
            before = flow.run("archive", "ls", flow.archive, "--json", common=False)
            self.assertEqual(before.returncode, 0)
            shutil.move(flow.archive, flow.folder / "lost")
            parts = Parts(flow)
            sink, enricher, producer = parts.sink(), parts.enricher(), parts.producer()
            feed = publish(flow, *generate(25, 2).splitlines(keepends=True))

            def waits_for():
                return (flow.run_dir / "status" / "producer.nogales.main.json").read_text()

            wait_for(lambda: "enlace archive adopt" in waits_for(), "the producer's refusal")
            # Beside the producer that has the outbox nothing is changed.
            busy = flow.run("archive", "adopt", flow.archive)
            self.assertEqual((busy.returncode, busy.stdout), (75, b""))
            self.assertIn(b"stop it first", busy.stderr)
            stop(producer)
            report = audit(flow)[1]["totals"]
            self.assertEqual((report["accepted"], report["in_flight"], report["elsewhere"]), (65, 25, 40))
            self.assertEqual(flow.run("archive", "adopt", flow.archive, "--station", "douglas").returncode, 1)
            done = flow.run("archive", "adopt", flow.archive, "--json")
            self.assertEqual(done.returncode, 0, done.stderr)
            told = json.loads(done.stdout)
            self.assertEqual((told["adopted"], told["before"]["committed"], told["oldest"]), (True, 40, 41))
            again = flow.run("archive", "adopt", flow.archive)
            self.assertEqual((again.returncode, again.stdout), (0, b"nogales.main: belongs to no other archive\n"))
            producer = parts.producer()
            self.assertEqual(feed.wait(60), 0)
            self.assertEqual(len(flow.archived()), 25)
            code, report = audit(flow)
            self.assertEqual((code, report["totals"]["missing"], report["totals"]["archived"]), (0, 40, 25), report)
            self.assertEqual(flow.verify()[0], 0)
            for process in (producer, enricher, sink):
                stop(process)
            # Not an archive at all: words, and nothing changed.
            none = flow.run("archive", "adopt", flow.folder / "nothing")
            self.assertEqual((none.returncode, none.stdout), (1, b""))

    def test_what_waits_is_in_flight_and_traced_with_what_it_waits_for(self):
        with Pipeline() as flow:
            parts = Parts(flow)
            producer = parts.producer()
            feed = publish(flow, line(id="here-1"), line(), line(id="here-3", related=["here-1"]))
            wait_for(lambda: audit(flow)[1]["totals"]["accepted"] == 3, "three accepted events")
            code, report = audit(flow)
            self.assertEqual((code, report["archive"], report["totals"]["in_flight"]), (0, None, 3))
            code, found = trace(flow, "here-1")
            self.assertEqual((code, len(found), found[0]["where"], found[0]["seq"]), (0, 1, "outbox", 1))
            wait_for(lambda: "sink" in trace(flow, "here-1")[1][0]["waits_for"], "the reason")
            identity = f"{found[0]['producer']}:{{}}"
            self.assertEqual(trace(flow, identity.format(2))[1][0]["where"], "outbox")
            self.assertEqual(trace(flow, identity.format(4))[0], 1)
            stop(producer)
            self.assertIn("start enlace-producer --station nogales", trace(flow, "here-1")[1][0]["waits_for"])
            sink, enricher, producer = parts.sink(), parts.enricher(), parts.producer()
            told, _ = feed.communicate()
            self.assertEqual(json.loads(told)["archived"], 3)
            for name, offset in (("here-1", 0), ("here-3", 2), ("nogales@1", 1), (identity.format(2), 1)):
                code, found = trace(flow, name)
                self.assertEqual((code, len(found), found[0]["where"], found[0]["offset"]), (0, 1, "archive", offset))
                self.assertEqual(found[0]["level"], json.loads(flow.archived()[offset])["cross_border"]["level"])
                self.assertTrue(os.path.exists(found[0]["segment"]))
            made = json.loads(flow.archived()[1])["id"]
            self.assertEqual(trace(flow, made)[1][0]["seq"], 2)
            for name in ("nogales@3", "douglas@0", "here", "here-4", "0" * 32 + ":1"):
                self.assertEqual(trace(flow, name), (1, []), name)
            self.assertEqual(flow.run("trace", "no such id").returncode, 64)
            for process in (enricher, producer, sink):
                stop(process)
            self.assertEqual(audit(flow)[1]["totals"]["archived"], 3)

    def test_an_id_that_the_pipeline_will_make_is_found_in_the_outbox(self):
        with Pipeline() as flow:
            parts = Parts(flow)
            sink, producer = parts.sink(), parts.producer()
            feed = publish(flow, line() * 5)
            wait_for(lambda: audit(flow)[1]["totals"]["in_flight"] == 5, "five waiting events")
            copy = flow.folder / "copy"
            shutil.copytree(flow.state_dir / "outbox", copy / "outbox")
            parts.enricher()
            feed.communicate()
            made = json.loads(flow.archived()[3])["id"]
            done = flow.run("trace", made, "--json", "--run-dir", str(flow.run_dir), "--state-dir", str(copy), common=False)
            found = json.loads(done.stdout)["found"]
            self.assertEqual([(entry["where"], entry["seq"]) for entry in found], [("outbox", 4)])

    def test_an_outbox_that_is_gone_and_an_index_that_lost_an_entry(self):
        with Pipeline() as flow:
            flow.start()
            for seed in range(4):
                self.assertEqual(flow.run("publish", "-", input=generate(50, seed)).returncode, 0)
            self.assertEqual(flow.stop(), 0)
            self.assertEqual(audit(flow)[1]["totals"]["archived"], 200)
            index = next(flow.archive.rglob("*.idx"))
            whole = index.read_bytes()
            self.assertGreaterEqual(len(whole), 4 * 96)
            lost = int.from_bytes(whole[96 + 24:96 + 28], "little")

            # The second entry is overwritten: nobody knows whose events those were, but that there were some.
            index.write_bytes(whole[:96] + bytes(96) + whole[192:])
            code, report = audit(flow)
            self.assertEqual((code, report["totals"]["damaged"], report["totals"]["unexplained"]), (0, lost, 0))

            # It stands for other sequences than it did: now they are nowhere.
            data = next(flow.archive.rglob("*.jsonl"))
            events = data.read_bytes()
            data.write_bytes(events[:len(events) // 2])
            index.write_bytes(whole)
            code, report = audit(flow)
            self.assertEqual(code, 65)
            self.assertGreater(report["totals"]["unexplained"], 0)
            first, last = report["producers"][0]["unexplained_sequences"][-1]
            self.assertEqual(last, 200)
            text = flow.run("audit")
            self.assertEqual(text.returncode, 65)
            self.assertIn(f"{first}–200", text.stdout.decode())
            self.assertIn("enlace archive verify", text.stdout.decode())
            data.write_bytes(events)
            self.assertEqual(audit(flow)[0], 0)

            # An outbox from before: its later events are the archive's alone, and its copy is not counted.
            shutil.copytree(flow.state_dir / "outbox/nogales.main", flow.state_dir / "outbox/nogales.old")
            code, report = audit(flow)
            self.assertEqual((code, report["totals"]["accepted"]), (0, 200))
            self.assertIn("copy", report["notes"][0])
            shutil.rmtree(flow.state_dir / "outbox")
            code, report = audit(flow)
            self.assertEqual((code, report["totals"]["accepted"], report["producers"][0]["outbox"]), (0, 200, "gone"))
            self.assertIn("its outbox is not here", flow.run("audit").stdout.decode())

    def test_a_rolled_back_outbox_goes_on_as_a_fork_and_all_of_it_is_accounted_for(self):
        with Pipeline() as flow:
            flow.start()
            self.assertEqual(flow.run("publish", "-", input=generate(40, 1)).returncode, 0)
            self.assertEqual(flow.stop(), 0)
            outbox = flow.state_dir / "outbox/nogales.main"
            shutil.copytree(outbox, flow.folder / "backup")
            flow.start()
            self.assertEqual(flow.run("publish", "-", input=generate(30, 2)).returncode, 0)
            self.assertEqual(flow.stop(), 0)
            shutil.rmtree(outbox)
            shutil.copytree(flow.folder / "backup", outbox)
            shutil.rmtree(flow.state_dir / "gateways")
            flow.start()
            self.assertEqual(flow.run("publish", "-", input=generate(20, 3)).returncode, 0)
            code, report = audit(flow)
            self.assertEqual(code, 0, report)
            totals = report["totals"]
            self.assertEqual((totals["accepted"], totals["archived"], totals["forked"]), (90, 90, 20))
            producer = report["producers"][0]["producer"]
            code, found = trace(flow, f"{producer}:45")
            self.assertEqual(sorted(entry["fork"] for entry in found), [False, True])


class Rejects(unittest.TestCase):
    def rejects(self, flow, *words):
        done = flow.run("rejects", "ls", "--json", *words)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(text) for text in done.stdout.splitlines()]

    def refuse(self, flow, *events):
        """Publishes events that are refused and waits until they lie in their file."""
        known = len(self.rejects(flow))
        self.assertEqual(flow.run("publish", "-", input=b"".join(events)).returncode, 0)
        wait_for(lambda: len(self.rejects(flow)) == known + len(events), "the records")

    def test_mended_events_are_put_back_once(self):
        with Pipeline(stations=("nogales", "douglas")) as flow:
            flow.start()
            self.refuse(
                flow, line(id="a", category="shoplifting"), line(id="b", location={"lat": 31.3}), line(id="c", colour="red"),
                line(id="d", birth_date="1990-01-01"), b"{not json\n", line(id="f", station="atlantis"),
                line(id="g", category="loitering", station="douglas"))
            records = self.rejects(flow, "--station", "nogales")
            self.assertEqual(trace(flow, "a")[1][0]["where"], "rejects")
            chosen = self.rejects(flow, "--where", 'has(event.location) && event.location.lat > 31 || number == 1 && line < 2')
            self.assertEqual({json.loads(entry["event"])["id"] for entry in chosen}, {"a", "b", "g"})
            page = flow.run("rejects", "show", "--where", "event.id == 'c'").stdout.decode()
            self.assertIn("--unset 'colour'", page)
            personal = next(entry["number"] for entry in records if entry.get("fields"))
            page = flow.run("rejects", "show", personal, "--station", "nogales").stdout.decode()
            self.assertIn("it cannot be put back from here: it named or profiled a person", page)
            self.assertNotIn("1990", page)

            where = ["--where", 'field == "category"', "--set", "category=other"]
            dry = flow.run("rejects", "retry", *where, "--dry-run")
            self.assertEqual([json.loads(text)["category"] for text in dry.stdout.splitlines()], ["other", "other"])
            self.assertEqual(flow.archived(), [])
            done = flow.run("rejects", "retry", *where)
            self.assertEqual(done.returncode, 0, done.stderr)
            told = results(done)
            self.assertEqual({name: (entry["accepted"], entry["rejected"], entry["archived"]) for name, entry in told.items()},
                             {"nogales": (1, 0, 1), "douglas": (1, 0, 1)})
            again = flow.run("rejects", "retry", *where)
            self.assertEqual((again.returncode, again.stdout), (0, b""))
            self.assertIn(b"was put back", again.stderr)

            number = {json.loads(entry["event"])["id"]: entry["number"] for entry in records
                      if entry.get("event", "").startswith('{"occurred')}
            done = flow.run("rejects", "retry", number["b"], "--station", "nogales", "--set", "location.lon=-110.9")
            self.assertEqual((done.returncode, results(done)["nogales"]["archived"]), (0, 1), done.stderr)
            done = flow.run("rejects", "retry", number["c"], "--station", "nogales", "--unset", "colour")
            self.assertEqual((done.returncode, results(done)["nogales"]["archived"]), (0, 1), done.stderr)
            done = flow.run("rejects", "retry", "--all", "--strict")
            self.assertEqual(done.returncode, 65)
            for words in (b"named or profiled a person", b"would be refused again", b"is not JSON", b"unknown station"):
                self.assertIn(words, done.stderr)
            done = flow.run("rejects", "retry", "--where", "event.id == 'f'", "--set", "station=douglas")
            self.assertEqual(results(done)["douglas"]["archived"], 1, done.stderr)
            self.assertEqual(sorted(json.loads(text)["id"] for text in flow.archived()), ["a", "b", "c", "f", "g"])
            lat = next(json.loads(text) for text in flow.archived() if b'"id": "b"' in text or b'"id":"b"' in text)
            self.assertEqual(lat["location"], {"lat": 31.3, "lon": -110.9})
            self.assertEqual(len(self.rejects(flow, "--where", "put_back")), 5)
            self.assertEqual(self.rejects(flow, "--where", "put_back && station == 'douglas'")[0]["put_back"]["state"], "accepted")
            self.assertEqual(audit(flow)[0], 0)

    def test_what_is_no_selection_and_no_condition_is_refused_with_its_place(self):
        with Pipeline() as flow:
            self.assertEqual(flow.run("rejects", "retry").returncode, 64)
            bad = flow.run("rejects", "ls", "--where", "field = 'category'")
            self.assertEqual(bad.returncode, 64)
            self.assertIn(b"equality is ==", bad.stderr)
            self.assertIn(b"      ^", bad.stderr)
            self.assertEqual(flow.run("rejects", "ls", "--where", "colour == 1").returncode, 64)
            self.assertEqual(flow.run("rejects", "retry", "1", "--set", "category").returncode, 64)
            self.assertEqual(flow.run("rejects", "show", "1").returncode, 1)

    def test_a_retry_that_is_killed_in_between_doubles_nothing(self):
        count = 60
        with Pipeline() as flow:
            flow.start()
            self.refuse(flow, *(line(id=f"k-{number}", category="mischief") for number in range(count)))
            words = ["rejects", "retry", "--station", "nogales", "--set", "category=other"]
            journal = flow.state_dir / "rejects/_put-back"
            for _ in range(4):
                retry = flow.popen(*words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                known = len(list(journal.glob("*.json")))
                wait_for(lambda: retry.poll() is not None or len(list(journal.glob("*.json"))) > known, "a record on its way")
                retry.kill()
                retry.wait()
            # The producer is killed too: its answers are on its disk.
            before = kill(flow, "producer.nogales")
            done = flow.run(*words)
            self.assertEqual(done.returncode, 0, done.stderr)
            wait_for(lambda: flow.child("producer.nogales") not in (None, before), "the producer again")
            done = flow.run(*words)
            self.assertEqual((done.returncode, done.stdout), (0, b""))
            names = sorted(json.loads(text)["id"] for text in flow.archived())
            self.assertEqual(names, sorted(f"k-{number}" for number in range(count)))
            self.assertEqual(len(self.rejects(flow)), count)

    def test_a_record_that_may_have_been_sent_goes_on_as_it_was_sent(self):
        with Pipeline() as flow:
            flow.start()
            self.refuse(flow, line(id="p", category="mischief"))
            self.assertEqual(flow.stop(), 0)
            # Nobody answers: it gives up, and what it began is kept.
            done = flow.run("rejects", "retry", "1", "--set", "category=robbery", "--timeout", "1")
            self.assertEqual(done.returncode, 75, done.stderr)
            self.assertIn("being put back", flow.run("rejects", "ls").stdout.decode())
            (journal,) = (flow.state_dir / "rejects/_put-back").glob("*.json")
            begun = journal.read_bytes()
            flow.start()
            done = flow.run("rejects", "retry", "1", "--set", "category=other")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(b"does not count", done.stderr)
            self.assertEqual([json.loads(text)["category"] for text in flow.archived()], ["robbery"])

            # Killed when the producer had it and before the answer was kept, with the producer killed as well.
            journal.write_bytes(begun)
            before = kill(flow, "producer.nogales")
            wait_for(lambda: flow.child("producer.nogales") not in (None, before), "the producer again")
            done = flow.run("rejects", "retry", "1")
            self.assertEqual((done.returncode, results(done)["nogales"]["archived"]), (0, 1), done.stderr)
            self.assertEqual(len(flow.archived()), 1)
            self.assertEqual(json.loads(journal.read_bytes())["sequence"], 1)

            # Refused under other rules than today's: a later try is a new request, and the old answer is not taken for it.
            entry = json.loads(begun)
            entry.update(state="refused", reason="category: names an unknown category", event="{}")
            journal.write_text(json.dumps(entry))
            self.assertIn("refused again", flow.run("rejects", "show", "1").stdout.decode())
            done = flow.run("rejects", "retry", "1", "--set", "category=other", "--set", "id=q")
            self.assertEqual(results(done)["nogales"]["archived"], 1, done.stderr)
            self.assertEqual([json.loads(text)["id"] for text in flow.archived()], ["p", "q"])


if __name__ == "__main__":
    unittest.main()
