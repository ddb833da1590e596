"""Poison: events that no worker survives, in the middle of healthy ones; and healthy ones that are not to be blamed."""

import json
import os
import signal
import struct
import subprocess
import threading
import time
import unittest

from gateway_box import Box
from pipeline import Pipeline, wait_for

RECORD = 96
UNENRICHED = 2
POISON = {"zap-segv": "segv", "zap-abort": "abort", "zap-hang": "hang", "zap-loop": "loop"}


def armed(*names):
    return {"ENLACE_CRASH_POINTS": ",".join(f"enrich.event~{name}={POISON[name]}" for name in names)}


def records(flow, station):
    """The records of the index: offset, count, flags."""
    for path in sorted((flow.archive / f"station={station}").rglob("*.idx")):
        data = path.read_bytes()
        for at in range(0, len(data), RECORD):
            flags, = struct.unpack_from("<B", data, at + 2)
            offset, _, count = struct.unpack_from("<QQI", data, at + 8)
            yield offset, count, flags


def counters(flow, station="nogales"):
    try:
        return json.loads((flow.run_dir / "status" / f"producer.{station}.main.json").read_text())["counters"]
    except (OSError, ValueError):
        return {}


def healthy(batch, count=1000):
    return [f"ok-{batch}-{number}" for number in range(count)]


class Poison(unittest.TestCase):
    def check(self, flow, station, sent, poison):
        """Everything is there once and in order; the poison as it came, flagged, and shown to nobody."""
        lines = [json.loads(line) for line in flow.archived(station)]
        self.assertEqual([line["id"] for line in lines], sent)
        self.assertEqual([line["ingest"]["seq"] for line in lines], list(range(1, len(sent) + 1)))
        for line in lines:
            if line["id"] in poison:
                self.assertIn("no worker survived it", line["ingest"]["unenriched"])
                self.assertNotIn("cross_border", line)
                self.assertNotIn("release", line)
            else:
                self.assertNotIn("unenriched", line["ingest"])
                self.assertIn("level", line["cross_border"])
                self.assertIn("audiences", line["release"])
        flagged = [(offset, count) for offset, count, flags in records(flow, station) if flags & UNENRICHED]
        self.assertEqual(flagged, [(offset, 1) for offset, name in enumerate(sent) if name in poison])

    def pour(self, flow, batches, poison, seconds):
        """Sends the batches to nogales, and others to douglas meanwhile; waits until all of it is archived."""
        box, other = Box(flow), Box(flow, "douglas")
        sent = [name for batch in batches for name in box.send(batch)]
        elsewhere = []
        end = time.monotonic() + seconds
        while box.archived_through() < len(sent):
            self.assertLess(time.monotonic(), end, f"stuck at {box.archived_through()}:\n{self.log(flow)[-4000:]}")
            elsewhere += other.send([f"d-{len(elsewhere) + number}" for number in range(50)])
            # The neighbour is not held up: its events are archived whatever happens here.
            wait_for(lambda: other.archived_through() == len(elsewhere), "the other station's events", 20)
        self.assertGreater(len(elsewhere), 0)
        wait_for(lambda: counters(flow).get("archived_through") == len(sent), "the producer's status", 10)
        self.assertEqual(counters(flow)["dead_letters"], len(poison), self.log(flow)[-4000:])
        self.assertEqual(counters(flow, "douglas").get("dead_letters"), 0)
        # And the station goes on.
        sent += box.send(healthy("after"))
        wait_for(lambda: box.archived_through() == len(sent), "events behind the poison", 60)
        box.close()
        other.close()
        said = self.log(flow)
        for name in poison:
            told = [line for line in said.splitlines() if "no worker survives an event" in line
                    and f"sequence={sent.index(name) + 1}" in line.split()]
            self.assertEqual(len(told), 1, said[-4000:])
        self.assertIn("from now on it runs alone", said)
        self.check(flow, "nogales", sent, poison)
        self.check(flow, "douglas", elsewhere, ())

    def log(self, flow):
        return (flow.folder / "up.log").read_text()

    def finish(self, flow):
        self.assertEqual(flow.stop(), 0)
        code, report = flow.verify()
        self.assertEqual(code, 0, report)

    def test_events_that_crash_among_their_neighbours_are_set_aside_and_nothing_else_is(self):
        # At the first and the last place of one batch, side by side in another, alone in a third.
        batches = [["zap-segv-1", *healthy(0, 998), "zap-abort-1"], healthy(1),
                   [*healthy(2, 500), "zap-abort-2", "zap-segv-2", *healthy(3, 400)], ["zap-segv-3"], healthy(4)]
        poison = ("zap-segv-1", "zap-segv-2", "zap-segv-3", "zap-abort-1", "zap-abort-2")
        with Pipeline(stations=("nogales", "douglas"), workers=2, environment=armed("zap-segv", "zap-abort")) as flow:
            flow.start()
            self.pour(flow, batches, poison, 240)
            self.finish(flow)

    def test_an_event_that_hangs_and_one_that_loops_are_set_aside(self):
        batches = [healthy(0), ["zap-hang", *healthy(1, 700), "zap-loop"], healthy(2)]
        with Pipeline(stations=("nogales", "douglas"), workers=2, environment=armed("zap-hang", "zap-loop")) as flow:
            flow.start()
            self.pour(flow, batches, ("zap-hang", "zap-loop"), 300)
            self.finish(flow)

    def test_workers_that_share_a_process_are_not_blamed_for_each_other(self):
        names = ["zap-segv", "zap-abort"]
        batches = [healthy(n) for n in range(6)] + [[*healthy(6, 300), *names, *healthy(7, 300)]]
        batches += [healthy(n) for n in range(8, 14)]
        with Pipeline() as flow:
            common = dict(stderr=open(flow.folder / "up.log", "ab"))
            sink = flow.popen(program="enlace-sink", **common)
            producer = flow.popen("--station", "nogales", program="enlace-producer", **common)
            stop = threading.Event()

            def keep_alive():
                environment = {**flow.environment, **armed(*names)}
                while not stop.is_set():
                    words = flow.command("--station", "nogales", "--workers", "3", program="enlace-enricher")
                    worker = subprocess.Popen(words, env=environment, **common)
                    while worker.poll() is None:
                        if stop.wait(0.05):
                            worker.terminate()
                            worker.wait(30)

            keeper = threading.Thread(target=keep_alive)
            keeper.start()
            try:
                box = Box(flow)
                sent = [name for batch in batches for name in box.send(batch)]
                wait_for(lambda: box.archived_through() == len(sent), "all to be archived", 180)
                box.close()
                self.check(flow, "nogales", sent, names)
            finally:
                stop.set()
                keeper.join()
                common["stderr"].close()
            for process in (producer, sink):
                process.terminate()
                self.assertEqual(process.wait(30), 0)
            code, report = flow.verify()
            self.assertEqual(code, 0, report)

    def test_workers_killed_under_load_make_no_suspect(self):
        with Pipeline(workers=2) as flow:
            flow.start()
            box, sent = Box(flow), []
            for round in range(6):
                victim = wait_for(lambda: flow.child(f"enricher.nogales.{round % 2 + 1}"), "a worker", 60)
                sent += box.send(healthy(f"{round}-a"))
                os.kill(victim, signal.SIGKILL)
                sent += box.send(healthy(f"{round}-b"))
                wait_for(lambda: flow.child(f"enricher.nogales.{round % 2 + 1}") not in (None, victim), "another worker", 60)
            wait_for(lambda: box.archived_through() == len(sent), "all to be archived", 60)
            box.close()
            self.assertEqual(counters(flow).get("dead_letters"), 0)
            self.assertNotIn("runs alone", self.log(flow))
            self.check(flow, "nogales", sent, ())
            self.finish(flow)


if __name__ == "__main__":
    unittest.main()
