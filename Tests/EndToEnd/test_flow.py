"""Incidents from a file through real processes into the archive and to an analyst."""

import json
import os
import signal
import subprocess
import unittest

import pipeline
from pipeline import BIN, SEEDS, Pipeline, generate, results, wait_for


class Flow(unittest.TestCase):
    def test_seed_incidents_arrive_once_in_order_with_the_tags_of_enrich(self):
        stations = ("nogales", "douglas", "hermosillo", "puerto-penasco")
        path = SEEDS / "incidents" / "arizona-sonora.jsonl"
        events = [json.loads(line) for line in path.read_bytes().splitlines()]
        with Pipeline(stations=stations) as flow:
            flow.start()
            tail = flow.popen("tail", "--from", "begin", "--count", len(events), "--format", "jsonl",
                              stdout=pipeline.subprocess.PIPE)
            done = flow.run("publish", path)
            self.assertEqual(done.returncode, 0, done.stderr)
            told = results(done)
            self.assertEqual(sum(entry["accepted"] for entry in told.values()), len(events))
            self.assertEqual(sum(entry["archived"] for entry in told.values()), len(events))
            followed, _ = tail.communicate(timeout=60)
            enriched = flow.run("enrich", path, common=True)
            self.assertEqual(enriched.returncode, 0, enriched.stderr)
            tags = {}
            for line in enriched.stdout.splitlines():
                event = json.loads(line)
                self.assertNotIn("ingest", event)
                tags[event["id"]] = (event["cross_border"], event["release"])
            seen = []
            for station in stations:
                lines = [json.loads(line) for line in flow.archived(station)]
                wanted = [event["id"] for event in events if event["station"] == station]
                self.assertEqual([line["id"] for line in lines], wanted)
                self.assertEqual([line["ingest"]["seq"] for line in lines], list(range(1, len(lines) + 1)))
                for line in lines:
                    self.assertEqual((line["cross_border"], line["release"]), tags[line["id"]])
                seen += wanted
            self.assertEqual(sorted(json.loads(line)["id"] for line in followed.splitlines()), sorted(seen))
            again = flow.run("explain", "nogales@3")
            self.assertEqual(again.returncode, 0, again.stderr)
            self.assertIn(b"computed again: the same bytes", again.stdout)
            self.assertEqual(flow.stop(), 0)
            code, report = flow.verify()
            self.assertEqual(code, 0, report)

    def test_bad_lines_are_refused_with_their_reasons_and_nothing_of_them_is_archived(self):
        path = SEEDS / "incidents" / "malformed.jsonl"
        wanted = [json.loads(line) for line in (SEEDS / "incidents/malformed.expected.jsonl").read_text().splitlines()]
        with Pipeline(stations=("nogales", "douglas")) as flow:
            flow.start()
            done = flow.run("publish", path)
            self.assertEqual(done.returncode, 0, done.stderr)
            told = done.stderr.decode()
            for entry in wanted:
                if entry.get("only") == "enrich":
                    continue
                line = next((text for text in told.splitlines() if f"malformed.jsonl:{entry['line']}:" in text), None)
                self.assertIsNotNone(line, f"line {entry['line']} was not refused: {told}")
                self.assertIn(entry["reason_contains"], line)
                if entry["field"]:
                    self.assertIn(entry["field"], line)
            self.assertEqual(sum(entry["accepted"] for entry in results(done).values()), 0)
            self.assertEqual(flow.run("publish", "--strict", path).returncode, 65)
            rejects = flow.run("rejects", "ls")
            self.assertEqual(rejects.returncode, 0, rejects.stderr)
            self.assertEqual(flow.archived(), [])
            kept = b"".join(p.read_bytes() for p in flow.state_dir.rglob("*.jsonl"))
            self.assertNotIn(b"1990-01-01", kept)
            self.assertIn(b"birth_date", kept)

    def test_good_lines_between_bad_ones_pass_whatever_ends_them(self):
        good = b'{"occurred_at":"2026-10-05T10:00:00Z","station":"nogales","category":"other","id":"%s"}'
        text = b"\r\n".join([good % b"a", b"nonsense", good % b"b"]) + b"\n" + good % b"c"
        with Pipeline() as flow:
            flow.start()
            done = flow.run("publish", "-", input=text)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual([json.loads(line)["id"] for line in flow.archived()], ["a", "b", "c"])
            empty = flow.run("publish", "-", input=b"")
            self.assertEqual(empty.returncode, 0, empty.stderr)

    def test_a_worker_that_was_killed_and_replaced_is_not_missed_for_ever(self):
        with Pipeline() as flow:
            flow.start()
            before = flow.child("enricher.nogales.1")
            os.kill(before, signal.SIGKILL)
            wait_for(lambda: flow.child("enricher.nogales.1") not in (None, before), "another worker")
            wait_for(lambda: flow.run("status").returncode == 0, "health without the dead one")
            self.assertEqual(len(list((flow.run_dir / "status").glob("enricher.*.json"))), 1)

    def test_a_file_that_was_given_up_for_a_full_outbox_is_read_on_where_it_was(self):
        with Pipeline(environment={"ENLACE_OUTBOX_CAP_BYTES": "1048576"}) as flow:
            path = flow.folder / "in.jsonl"
            path.write_bytes(generate(6000, 5))
            words = ("--station", "nogales", "--input", path)
            first = flow.run(*words, "--timeout", "3", program="enlace-producer")
            self.assertEqual(first.returncode, 75, first.stderr)
            quiet = {"stderr": subprocess.DEVNULL}
            flow.popen(program="enlace-sink", **quiet)
            flow.popen("--station", "nogales", program="enlace-enricher", **quiet)
            self.assertEqual(flow.run(*words, program="enlace-producer").returncode, 0)
            self.assertEqual(len(flow.archived()), 6000)
            self.assertEqual(len(set(flow.archived())), 6000)

    def test_a_worker_that_does_not_reach_the_sink_stops_nobody(self):
        with Pipeline() as flow:
            quiet = {"stderr": subprocess.DEVNULL}
            flow.popen(program="enlace-sink", **quiet)
            flow.popen("--station", "nogales", program="enlace-producer", **quiet)
            flow.popen("--station", "nogales", program="enlace-enricher", **quiet)
            flow.popen("--station", "nogales", "--sink", f"ipc://{flow.run_dir}/nowhere", program="enlace-enricher", **quiet)
            status = flow.run_dir / "status"
            wait_for(lambda: len(list(status.glob("enricher.nogales.*.json"))) == 2, "two workers")
            for seed in range(4):
                done = flow.run("publish", "-", input=generate(300, seed), timeout=60)
                self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(len(flow.archived()), 1200)

    def test_workers_come_and_go_under_load(self):
        with Pipeline() as flow:
            flow.start()
            lines = generate(5_000, 3)
            feed = flow.popen("publish", "-", stdin=pipeline.subprocess.PIPE, stdout=pipeline.subprocess.PIPE)

            def batches(worker):
                return (worker_status(flow, worker) or {"counters": {"batches": 0}})["counters"]["batches"]

            def pour(most, until):
                """Writes as fast as the pipeline takes it."""
                poured = 0
                while poured < most and not until():
                    feed.stdin.write(lines)
                    poured += 5_000
                return poured

            count = pour(20_000, lambda: False)
            extra = [flow.popen("--station", "nogales", "--workers", "2", program="enlace-enricher",
                                stderr=pipeline.subprocess.DEVNULL) for _ in range(3)]
            count += pour(2_000_000, lambda: all(map(batches, extra)))
            self.assertTrue(all(map(batches, extra)), "the new workers got no work")
            extra[0].terminate()
            extra[1].kill()
            count += pour(100_000, lambda: False)
            feed.stdin.close()
            told = json.loads(feed.stdout.read())
            feed.stdout.close()
            self.assertEqual(feed.wait(60), 0)
            self.assertEqual((told["accepted"], told["archived"]), (count, count))
            self.assertEqual(extra[0].wait(20), 0)
            extra[2].terminate()
            self.assertEqual(extra[2].wait(20), 0)
            sequences = [json.loads(line)["ingest"]["seq"] for line in flow.archived()]
            self.assertEqual(sequences, list(range(1, count + 1)))


def worker_status(flow, process):
    """What an enricher process says about itself, or None."""
    try:
        return json.loads((flow.run_dir / "status" / f"enricher.nogales.{process.pid}.json").read_text())
    except (OSError, ValueError):
        return None


class Files(unittest.TestCase):
    """The producer reads a file itself."""

    def test_a_killed_producer_goes_on_where_it_was(self):
        with Pipeline() as flow:
            count = 120_000
            path = flow.folder / "feed.jsonl"
            path.write_bytes(generate(count, 11))
            sink = flow.popen(program="enlace-sink", stderr=pipeline.subprocess.DEVNULL)
            worker = flow.popen("--station", "nogales", program="enlace-enricher", stderr=pipeline.subprocess.DEVNULL)
            try:
                words = ("--station", "nogales", "--input", path)
                first = flow.popen(*words, program="enlace-producer", stderr=pipeline.subprocess.DEVNULL)
                committed = flow.archive / "station=nogales" / "committed"
                wait_for(lambda: committed.exists() or first.poll() is not None, "a first commit")
                first.kill()
                first.wait()
                done = flow.run(*words, program="enlace-producer")
                self.assertEqual(done.returncode, 0, done.stderr)
                told = json.loads(done.stdout)
                self.assertEqual(told["rejected"], 0)
                sequences = [json.loads(line)["ingest"]["seq"] for line in flow.archived()]
                self.assertEqual(sequences, list(range(1, count + 1)))
                once_more = flow.run(*words, program="enlace-producer")
                self.assertEqual(json.loads(once_more.stdout)["accepted"], 0)
                self.assertEqual(len(flow.archived()), count)
            finally:
                for process in (worker, sink):
                    process.terminate()
            self.assertEqual((worker.wait(20), sink.wait(20)), (0, 0))

    def test_an_event_for_another_station_is_refused_naming_publish(self):
        with Pipeline() as flow:
            flow.start()
            flow.stop()
            path = flow.folder / "other.jsonl"
            path.write_text('{"occurred_at":"2026-10-05T10:00:00Z","station":"douglas","category":"other"}\n')
            done = flow.run("--station", "nogales", "--input", path, "--strict", "--timeout", "20", program="enlace-producer")
            self.assertEqual(done.returncode, 65, done.stderr)
            self.assertIn(b"douglas", done.stderr)
            self.assertIn(b"enlace publish", done.stderr)


if __name__ == "__main__":
    unittest.main()
