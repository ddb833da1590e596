"""Nonsense at every endpoint, from clients in another language: refused, counted, named in the log; nothing is lost."""

import json
import os
import shutil
import socket as socketlib
import struct
import subprocess
import time
import unittest

import zmq

import wire
from pipeline import Pipeline, generate, wait_for

EVENT = b'{"occurred_at":"2026-10-05T10:00:00-07:00","station":"nogales","category":"other","status":"test","id":"%s"}'
GATEWAYS = "producer.nogales.main.gateways"
WORKERS = "producer.nogales.main.workers"
PRODUCER = "producer.nogales.main"
QUIET = {"stderr": subprocess.DEVNULL}

NONSENSE = [
    [b""], [b"\x00"], [b"GET / HTTP/1.1\r\n\r\n"], [os.urandom(300)], [wire.frame(99)], [wire.frame(1, version=2)],
    [wire.frame(32)], [wire.frame(1, b"\x01" * 7)], [wire.frame(48, b"\xff" * 40)], [b"a", b"b"], [b"a", b"b", b"c"],
    [b"x"] * 40, [wire.frame(16), b"ENLB"],
]


def counters(flow, process):
    try:
        return json.loads((flow.run_dir / "status" / f"{process}.json").read_text())["counters"]
    except (OSError, ValueError):
        return {}


def log(flow):
    return (flow.folder / "up.log").read_text()


class BadInput(unittest.TestCase):
    maxDiff = None

    def refused(self, flow, process, kind, count, words=None):
        """Waits until so many are counted, and said."""
        wait_for(lambda: counters(flow, process).get(f"refused.{kind}", -1) >= count,
                 f"{count} {kind} at {process}: {counters(flow, process)}", 15)
        if words:
            wait_for(lambda: words in log(flow), f"'{words}' in the log", 10)

    def publish(self, flow, name, number, *events):
        """One request of a gateway; its answer."""
        socket = wire.connect(flow, GATEWAYS)
        head = json.dumps({"gateway": name, "request": number, "lowest": number}).encode()
        try:
            for _ in range(20):
                socket.send_multipart([b"ENLACE1", head, *events])
                if socket.poll(1000):
                    return json.loads(socket.recv_multipart()[1])
        finally:
            socket.close()
        raise AssertionError("no answer")

    def ids(self, flow):
        return [json.loads(line)["id"] for line in flow.archived()]

    def test_nonsense_at_every_endpoint_costs_the_neighbours_nothing(self):
        with Pipeline() as flow:
            flow.start()
            pids = {entry["name"]: entry["pid"] for entry in flow.supervisor()["children"]}
            wait_for(lambda: counters(flow, PRODUCER).get("workers") == 1, "the worker")
            for endpoint in (GATEWAYS, WORKERS, "sink.intake", "sink.control", "sink.replay"):
                socket = wire.connect(flow, endpoint)
                for frames in NONSENSE:
                    socket.send_multipart(frames)
                # Longer than any frame may be: whoever sends it is disconnected, and may come back.
                socket.send(b"x" * (20 << 20))
                socket.close(linger=2000)
            for endpoint in (GATEWAYS, WORKERS, "sink.intake", "sink.control", "sink.replay", "sink.live"):
                # Not even ZeroMQ: somebody took the socket for another one's.
                for data in (b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 100, b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\x01NULL" + b"\0" * 48,
                             b""):
                    with socketlib.socket(socketlib.AF_UNIX) as raw:
                        raw.connect(f"{flow.run_dir}/{endpoint}")
                        raw.sendall(data)
                        raw.settimeout(0.2)
                        try:
                            while data and raw.recv(100):
                                pass
                        except OSError:
                            pass
            stream = wire.connect(flow, "sink.live", zmq.XSUB)
            stream.send(b"\x07nonsense")
            for _ in range(5):
                stream.send(b"\x00never subscribed to")
            reader = wire.connect(flow, "sink.live", zmq.SUB)
            reader.subscribe(b"nogales/")
            self.assertEqual(self.publish(flow, "box-1", 1, EVENT % b"a")["status"], "accepted")
            self.refused(flow, PRODUCER, "gateway_frames", len(NONSENSE), "no request of the gateway protocol")
            self.refused(flow, PRODUCER, "worker_frames", len(NONSENSE), "what a worker sent is not understood")
            self.refused(flow, "sink", "intake_frames", len(NONSENSE), "no batch from a worker")
            self.refused(flow, "sink", "control_frames", len(NONSENSE), "over control is not understood")
            self.refused(flow, "sink", "replay_request", len(NONSENSE), "replay request that is not understood")
            self.refused(flow, "sink", "subscription", 1, "no subscription")
            for process, kind, endpoints in ((PRODUCER, "gateway_connection", 1), (PRODUCER, "worker_connection", 1),
                                             ("sink", "connection", 4)):
                self.refused(flow, process, kind, 2 * endpoints, "did not come about")
            stream.close(linger=0)
            self.assertTrue(reader.poll(10_000), "the live stream goes on")
            reader.close()
            self.assertEqual(self.publish(flow, "box-1", 2, EVENT % b"b")["status"], "accepted")
            wait_for(lambda: self.ids(flow) == ["a", "b"], "both events")
            # After a quiet second the next one is told in detail again.
            old = wire.connect(flow, WORKERS)
            wait_for(lambda: old.send(wire.frame(1, version=2)) or "version 2; this program speaks 1" in log(flow),
                     "the other version in the log")
            old.close()
            self.assertEqual(pids, {entry["name"]: entry["pid"] for entry in flow.supervisor()["children"]})

    def test_a_gateway_is_told_what_is_wrong_with_its_request(self):
        with Pipeline() as flow:
            flow.start()
            socket = wire.connect(flow, GATEWAYS, zmq.REQ)
            for frames, words in (
                    ([b"ENLACE0", b"{}"], "ENLACE1"), ([b"ENLACE1"], "second frame"), ([b"ENLACE1", b"[]"], "JSON object"),
                    ([b"ENLACE1", b'{"gateway":"g","request":1,"lowest":1}'], "1 to 1024 events"),
                    ([b"ENLACE1", b'{"gateway":"g","request":1,"lowest":1}'] + [b"{}"] * 1025, "1 to 1024 events"),
                    ([b"ENLACE1", b'{"gateway":"g","request":1,"lowest":1}'] + [b" " * 900_000] * 2, "bytes together"),
                    ([b"ENLACE1", b'{"gateway":"g","query":"everything"}'], "progress"),
                    ([b"ENLACE1", b'{"gateway":"' + b"g" * 65 + b'"}'], "1 to 64")):
                socket.send_multipart(frames)
                self.assertTrue(socket.poll(10_000), frames[:2])
                answer = json.loads(socket.recv_multipart()[1])
                self.assertEqual(answer["status"], "error")
                self.assertIn(words, answer["reason"])
            socket.close()
            self.refused(flow, PRODUCER, "gateway_size", 3)
            # The number was not used up by what was refused as a whole.
            self.assertEqual(self.publish(flow, "g", 1, EVENT % b"a")["status"], "accepted")

    def test_a_flood_of_nonsense_is_counted_in_full_and_said_once_a_second(self):
        count = 20_000
        with Pipeline() as flow:
            flow.start()
            started = time.monotonic()
            sockets = [wire.connect(flow, endpoint) for endpoint in ("sink.intake", "sink.control", WORKERS)]
            for number in range(count):
                for socket in sockets:
                    socket.send(b"nonsense")
            self.assertEqual(self.publish(flow, "box-1", 1, EVENT % b"a")["status"], "accepted")
            wait_for(lambda: self.ids(flow) == ["a"], "the event")
            self.refused(flow, "sink", "intake_frames", count)
            self.refused(flow, "sink", "control_frames", count)
            self.refused(flow, PRODUCER, "worker_frames", count)
            seconds = time.monotonic() - started
            for socket in sockets:
                socket.close()
            wait_for(lambda: sum(int(line.rsplit("count=", 1)[1].split()[0]) for line in log(flow).splitlines()
                                 if "no batch from a worker" in line) == count, "every one to stand in a line's count")
            for words in ("no batch from a worker", "over control is not understood", "a worker sent is not understood"):
                lines = log(flow).count(words)
                self.assertLessEqual(lines, seconds + 3, words)

    def parts(self, flow):
        """Sink and producer without a worker, so that the test is the worker."""
        out = open(flow.folder / "up.log", "ab")
        self.addCleanup(out.close)
        sink = flow.popen(program="enlace-sink", stderr=out)
        producer = flow.popen("--station", "nogales", program="enlace-producer", stderr=out)
        wait_for(lambda: counters(flow, PRODUCER) and counters(flow, "sink"), "sink and producer")
        return sink, producer

    def take(self, socket, worker, capacity=4, seconds=15):
        """Says heartbeats until a batch comes; its bytes."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            socket.send(wire.heartbeat(worker, capacity))
            if socket.poll(50):
                first, data = socket.recv_multipart()
                self.assertEqual(first, wire.frame(16))
                return data
        raise AssertionError("no batch came")

    @staticmethod
    def enriched(data):
        """The batch as a worker hands it on, its events as they were."""
        head = bytearray(data[:92])
        head[5] |= 1
        return bytes(head) + struct.pack("<I", wire.crc32c(head)) + data[96:]

    def test_a_batch_whose_header_lies_is_refused_and_the_true_one_is_archived(self):
        worker = os.urandom(16)
        with Pipeline() as flow:
            sink, _ = self.parts(flow)
            self.publish(flow, "box-1", 1, EVENT % b"a", EVENT % b"b")
            asks, intake = wire.connect(flow, WORKERS), wire.connect(flow, "sink.intake")
            data = self.take(asks, worker)
            producer, (epoch, first) = data[40:56], struct.unpack_from("<QQ", data, 56)
            lines = data[96:].splitlines()
            lies = [dict(version=2), dict(length=95), dict(size=len(data)), dict(size=1), dict(payload_crc=7),
                    dict(header_crc=7), dict(count=0), dict(count=1), dict(count=3), dict(count=1025),
                    dict(size=1 << 30), dict(station="NOGALES"), dict(station="")]
            for lie in lies:
                intake.send_multipart(wire.append(worker, wire.batch(producer, epoch, first, lines, **lie)))
            true = wire.batch(producer, epoch, first, lines)
            for cut in (0, 50, 95, 96, len(true) - 1):
                intake.send_multipart(wire.append(worker, true[:cut]))
            intake.send_multipart(wire.append(worker, true + b"x"))
            intake.send_multipart(wire.append(worker, wire.batch(producer, epoch, 0, lines)))
            intake.send_multipart(wire.append(worker, wire.batch(producer, epoch, 1 << 63, lines)))
            self.refused(flow, "sink", "broken_batch", len(lies) + 8, "a batch from a worker is broken")
            intake.send_multipart(wire.append(worker, data))
            self.refused(flow, "sink", "not_enriched", 1, "no worker has enriched")
            intake.send_multipart(wire.append(worker, wire.batch(os.urandom(16), epoch, first, lines)))
            intake.send_multipart(wire.append(worker, wire.batch(producer, 4711, first, lines)))
            self.refused(flow, "sink", "unknown_epoch", 2, "has not said hello")
            intake.send_multipart(wire.append(worker, wire.batch(producer, epoch, first, lines, station="douglas")))
            self.refused(flow, "sink", "wrong_station", 1, "another station")
            self.assertEqual(flow.archived(), [])
            for _ in range(6):
                intake.send_multipart(wire.append(worker, true))
            self.refused(flow, "sink", "archived_already", 5, "archived already")
            self.assertEqual(self.ids(flow), ["a", "b"])
            self.assertIsNone(sink.poll())
            wait_for(lambda: counters(flow, PRODUCER)["archived_through"] == 2, "the commit")
            sink.terminate()
            self.assertEqual(sink.wait(20), 0)
            code, report = flow.verify()
            self.assertEqual(code, 0, report)

    def test_a_worker_is_believed_only_about_what_it_was_given(self):
        honest, liar = os.urandom(16), os.urandom(16)
        with Pipeline() as flow:
            self.parts(flow)
            self.publish(flow, "box-1", 1, EVENT % b"a")
            first, second = wire.connect(flow, WORKERS), wire.connect(flow, WORKERS)
            data = self.take(first, honest)
            epoch, sequence = struct.unpack_from("<QQ", data, 56)
            second.send(wire.heartbeat(liar, 0))
            for key in ((epoch, sequence), (epoch, sequence + 7), (99, sequence)):
                second.send(wire.done(liar, *key))
                second.send(wire.done(os.urandom(16), *key))
            second.send(wire.goodbye(os.urandom(16)))
            second.send(wire.heartbeat(liar, 0, [(1, 1)] * 2000))
            self.refused(flow, PRODUCER, "worker_not_held", 6, "that it does not hold")
            self.refused(flow, PRODUCER, "worker_frames", 1)
            self.assertEqual(counters(flow, PRODUCER)["archived_through"], 0)
            # Neither the liar nor the one that held it goes on: it is the next worker's.
            enricher = flow.popen("--station", "nogales", program="enlace-enricher", **QUIET)
            wait_for(lambda: self.ids(flow) == ["a"], "the event")
            self.assertIsNone(enricher.poll())

    def test_a_worker_that_claims_absurd_capacity_gets_no_more_than_any_may(self):
        count = 100
        worker = os.urandom(16)
        with Pipeline() as flow:
            self.parts(flow)
            for number in range(1, count + 1):
                self.publish(flow, "box-1", number, EVENT % b"%d" % number)
            greedy = wire.connect(flow, WORKERS)
            got = [self.take(greedy, worker, 65_535)]
            while greedy.poll(500):
                got.append(greedy.recv_multipart()[1])
                greedy.send(wire.heartbeat(worker, 65_535, [struct.unpack_from("<QQ", data, 56) for data in got]))
            # On a slow machine some of them come again.
            self.assertEqual(len({struct.unpack_from("<Q", data, 64) for data in got}), 64)
            self.refused(flow, PRODUCER, "worker_capacity", 1, "more batches than any may")
            flow.popen("--station", "nogales", program="enlace-enricher", **QUIET)
            greedy.close()
            wait_for(lambda: len(flow.archived()) == count, "all events", 30)
            self.assertEqual(self.ids(flow), [str(number) for number in range(1, count + 1)])

    def test_thousands_of_workers_that_are_none_do_not_push_out_the_real_one(self):
        with Pipeline() as flow:
            flow.start()
            wait_for(lambda: counters(flow, PRODUCER).get("workers") == 1, "the worker")
            crowd = wire.connect(flow, WORKERS)
            for _ in range(3_000):
                crowd.send(wire.heartbeat(os.urandom(16), 0))
            self.refused(flow, PRODUCER, "worker_limit", 2_700, "as many are served as may be")
            self.publish(flow, "box-1", 1, EVENT % b"a")
            wait_for(lambda: self.ids(flow) == ["a"], "the event")
            wait_for(lambda: counters(flow, PRODUCER)["workers"] == 1, "the silent ones to be forgotten")
            crowd.close()

    def test_hellos_with_impossible_numbers_and_of_another_archive(self):
        producer, zero = os.urandom(16), bytes(16)
        with Pipeline() as flow:
            flow.start()
            self.publish(flow, "box-1", 1, EVENT % b"a")
            socket = wire.connect(flow, "sink.control")
            epochs = [(1, 1)]
            bad = [wire.hello(producer, "nogales", [], 1, 1, zero, 0),
                   wire.hello(producer, "No Such Slug", epochs, 1, 1, zero, 0),
                   wire.hello(producer, "nogales", [(1, 0)], 1, 1, zero, 0),
                   wire.hello(producer, "nogales", [(1, 9), (2, 3)], 1, 1, zero, 0),
                   wire.hello(producer, "nogales", epochs, 0, 1, zero, 0),
                   wire.hello(producer, "nogales", epochs, 5, 2, zero, 0),
                   wire.hello(producer, "nogales", epochs, 1, 2**64 - 1, zero, 0),
                   wire.hello(producer, "nogales", epochs, 1, 5, zero, 5),
                   wire.hello(producer, "nogales", [(1, 1)] * 257, 1, 1, zero, 0),
                   wire.hello(producer, "nogales", epochs, 1, 1, zero, 0)[:-1],
                   wire.commit(producer, 1, 5), wire.welcome(producer, 1, producer, zero, 1, 1, 1)]
            for frame in bad:
                socket.send(frame)
            self.refused(flow, "sink", "control_frames", len(bad), "over control is not understood")
            for _ in range(300):
                socket.send(wire.hello(producer, "nogales", epochs, 1, 1, os.urandom(16), 0))
            self.refused(flow, "sink", "other_archive", 300, "belongs to another archive")
            self.assertTrue(socket.poll(5000))
            self.assertIn(b"put that archive back", socket.recv())
            self.assertLessEqual(log(flow).count("belongs to another archive"), 10)
            socket.close()
            self.publish(flow, "box-1", 2, EVENT % b"b")
            wait_for(lambda: self.ids(flow) == ["a", "b"], "both events")

    def test_a_sink_that_lies_moves_nothing(self):
        with Pipeline() as flow:
            out = open(flow.folder / "up.log", "ab")
            self.addCleanup(out.close)
            producer = flow.popen("--station", "nogales", program="enlace-producer", stderr=out)
            wait_for(lambda: counters(flow, PRODUCER), "the producer")
            self.publish(flow, "box-1", 1, EVENT % b"a", EVENT % b"b")
            fake = zmq.Context.instance().socket(zmq.ROUTER)
            fake.linger = 0
            fake.bind(f"ipc://{flow.run_dir}/sink.control")
            self.assertTrue(fake.poll(10_000))
            route, data = fake.recv_multipart()
            hello = wire.parse_hello(data)
            self.assertEqual((hello["station"], hello["oldest"], hello["next"]), ("nogales", 1, 3))
            identity, epoch = hello["producer"], hello["epochs"][-1][0]
            other, sink, archive = os.urandom(16), os.urandom(16), os.urandom(16)
            for frame in (wire.welcome(other, epoch, sink, archive, 1, 2, 1 << 23), wire.commit(other, epoch, 2),
                          wire.nack(other, epoch, 1)):
                fake.send_multipart([route, frame])
            self.refused(flow, PRODUCER, "sink_other_producer", 3, "about another one")
            for frame in (wire.welcome(identity, epoch, sink, archive, 1, 3, 1 << 23), wire.commit(identity, epoch, 3),
                          wire.commit(identity, epoch, 2**64 - 1), wire.commit(identity, epoch + 1, 2),
                          wire.welcome(identity, epoch, sink, bytes(16), 1, 0, 1 << 23), wire.commit(identity, epoch, 2)):
                fake.send_multipart([route, frame])
            self.refused(flow, PRODUCER, "sink_impossible", 5, "never accepted")
            for frames in NONSENSE[:6] + [[data]]:
                fake.send_multipart([route, *frames])
            self.refused(flow, PRODUCER, "sink_frames", 7, "what the sink sent is not understood")
            self.assertEqual(counters(flow, PRODUCER)["archived_through"], 0)
            fake.close()
            (flow.run_dir / "sink.control").unlink(missing_ok=True)
            flow.popen(program="enlace-sink", stderr=out)
            flow.popen("--station", "nogales", program="enlace-enricher", **QUIET)
            wait_for(lambda: flow.archive.exists() and self.ids(flow) == ["a", "b"], "both events", 30)
            self.assertIsNone(producer.poll())

    def test_a_worker_passes_over_what_no_producer_sends(self):
        with Pipeline() as flow:
            out = open(flow.folder / "up.log", "ab")
            self.addCleanup(out.close)
            fake = zmq.Context.instance().socket(zmq.ROUTER)
            fake.linger = 0
            endpoint = f"ipc://{flow.folder}/fake"
            fake.bind(endpoint)
            self.parts(flow)
            enricher = flow.popen("--station", "nogales", "--producer", endpoint, "--producer",
                                  f"ipc://{flow.run_dir}/{WORKERS}", program="enlace-enricher", stderr=out)
            self.assertTrue(fake.poll(10_000))
            route, _ = fake.recv_multipart()
            for frames in NONSENSE[:-1]:
                fake.send_multipart([route, *frames])
            lies = [dict(count=2), dict(size=7), dict(payload_crc=1), dict(header_crc=1), dict(version=9)]
            for lie in lies:
                fake.send_multipart([route, wire.frame(16), wire.batch(os.urandom(16), 1, 1, [EVENT % b"x"], flags=0, **lie)])
            fake.send_multipart([route, wire.frame(16), b"ENLB"])
            name = f"enricher.nogales.{enricher.pid}"
            self.refused(flow, name, "producer_frames", len(NONSENSE) - 1, "what a producer sent is not understood")
            self.refused(flow, name, "broken_batch", len(lies) + 1, "a batch from a producer is broken")
            self.publish(flow, "box-1", 1, EVENT % b"a")
            wait_for(lambda: self.ids(flow) == ["a"], "the event")
            fake.close()

    def test_two_producers_that_claim_one_id_are_both_archived_and_alarmed(self):
        with Pipeline() as flow:
            out = open(flow.folder / "up.log", "ab")
            self.addCleanup(out.close)
            sink, first = self.parts(flow)
            flow.popen("--station", "nogales", program="enlace-enricher", **QUIET)
            shared = [EVENT % b"shared-%d" % number for number in range(20)]
            self.publish(flow, "box-1", 1, *shared)
            wait_for(lambda: len(flow.archived()) == 20, "what both share")
            first.terminate()
            self.assertEqual(first.wait(20), 0)
            # A copy of the state directory is started as a second run, under the same sink.
            second_run, second_state = flow.folder / "r2", flow.folder / "s2"
            shutil.copytree(flow.state_dir / "outbox", second_state / "outbox")
            first = flow.popen("--station", "nogales", program="enlace-producer", stderr=out)
            other = ["--run-dir", second_run, "--state-dir", second_state]
            words = ["--station", "nogales", *other, "--seeds", flow.directories[-1]]
            for program, sink_endpoint in (("enlace-producer", "control"), ("enlace-enricher", "intake")):
                process = subprocess.Popen(
                    [flow.command(program=program)[0], *map(str, words), "--sink", f"ipc://{flow.run_dir}/sink.{sink_endpoint}"],
                    stderr=out)
                flow.processes.append(process)
            twin = Pipeline.__new__(Pipeline)
            twin.run_dir = second_run
            wait_for(lambda: counters(twin, PRODUCER) and counters(flow, PRODUCER), "both producers")
            for number in range(2, 32):
                self.assertEqual(self.publish(flow, "box-1", number, EVENT % b"one-%d" % number)["status"], "accepted")
                self.assertEqual(self.publish(twin, "box-2", number, EVENT % b"two-%d" % number)["status"], "accepted")
            wait_for(lambda: len(flow.archived()) >= 80, "the events of both", 40)
            found = self.ids(flow)
            self.assertEqual(len(found), 80)
            for name in ("one", "two"):
                self.assertEqual([text for text in found if text.startswith(name)], [f"{name}-{n}" for n in range(2, 32)])
            wait_for(lambda: counters(flow, "sink")["alarms"] >= 1, "the alarm")
            self.assertIn("rolled back or cloned", log(flow))
            for run in (flow, twin):
                wait_for(lambda: counters(run, PRODUCER)["archived_through"] == 50, "the commits of both")
            sink.terminate()
            self.assertEqual(sink.wait(20), 0)
            code, report = flow.verify()
            self.assertEqual(code, 0, report)


class Replay(unittest.TestCase):
    def ask(self, socket, request):
        socket.send_string(json.dumps(request))
        self.assertTrue(socket.poll(10_000), request)
        head, data = socket.recv_multipart()
        return json.loads(head), data

    def test_a_cursor_of_another_archive_or_generation_is_refused_in_words(self):
        with Pipeline() as flow:
            flow.start()
            self.assertEqual(flow.run("publish", "-", input=generate(50, 5)).returncode, 0)
            for kind in (zmq.DEALER, zmq.REQ):
                socket = wire.connect(flow, "sink.replay", kind)
                heads, _ = self.ask(socket, {"query": "heads"})
                archive, generation = heads["archive"], heads["generation"]
                self.assertEqual(heads["heads"], {"nogales": 50})
                good, data = self.ask(socket, {"station": "nogales", "from": 7, "archive": archive, "generation": generation})
                self.assertEqual((good["status"], good["offsets"], data.count(b"\n")), ("ok", [[7, 50]], 43))
                for wrong, words in (({"archive": "0" * 32}, archive), ({"archive": 7}, archive),
                                     ({"archive": archive, "generation": generation + 1}, "older copy"),
                                     ({"generation": "1"}, "generation")):
                    head, data = self.ask(socket, {"station": "nogales", "from": 7, **wrong})
                    self.assertEqual((head["status"], data), ("error", b""))
                    self.assertIn(words, head["reason"])
                    self.assertIn("begin again", head["reason"])
                    self.assertEqual((head["archive"], head["generation"]), (archive, generation))
                socket.close()
            wait_for(lambda: counters(flow, "sink").get("refused.replay_cursor") == 8, "eight refusals")
            wait_for(lambda: "cursor of another archive" in log(flow), "the words in the log")

    def stations(self, flow):
        """Sink, producer and worker, each by itself; the sink."""
        sink = flow.popen(program="enlace-sink", **QUIET)
        flow.popen("--station", "nogales", program="enlace-producer", **QUIET)
        flow.popen("--station", "nogales", program="enlace-enricher", **QUIET)
        wait_for(lambda: counters(flow, PRODUCER) and counters(flow, "sink"), "the processes")
        return sink

    def follow(self, flow, count):
        """A tail that has shown so many events."""
        tail = flow.popen("tail", "--from", "begin", "--format", "jsonl", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(count):
            self.assertTrue(tail.stdout.readline())
        return tail

    def end(self, sink):
        sink.terminate()
        self.assertEqual(sink.wait(20), 0)

    def test_tail_and_replay_notice_that_an_older_copy_was_put_in_place(self):
        with Pipeline() as flow:
            sink = self.stations(flow)
            self.assertEqual(flow.run("publish", "-", input=generate(20, 5)).returncode, 0)
            self.end(sink)
            shutil.copytree(flow.archive, flow.folder / "copy")
            sink = flow.popen(program="enlace-sink", **QUIET)
            self.assertEqual(flow.run("publish", "-", input=generate(10, 6)).returncode, 0)
            tail = self.follow(flow, 30)
            socket = wire.connect(flow, "sink.replay")
            before, _ = self.ask(socket, {"query": "heads"})
            self.end(sink)
            shutil.rmtree(flow.archive)
            (flow.folder / "copy").rename(flow.archive)
            flow.popen(program="enlace-sink", **QUIET)
            _, words = tail.communicate(timeout=30)
            self.assertEqual(tail.returncode, 65, words)
            self.assertIn(b"an older copy of the archive was put in place", words)
            # The running sink says its new generation, not the one that it started with.
            after = wait_for(lambda: (heads := self.ask(socket, {"query": "heads"})[0])["generation"] != before["generation"]
                             and heads, "the next generation")
            self.assertEqual(after["archive"], before["archive"])
            old, _ = self.ask(socket, {"station": "nogales", "from": 25, "archive": before["archive"],
                                       "generation": before["generation"]})
            self.assertEqual(old["status"], "error")
            self.assertIn("older copy", old["reason"])
            socket.close()

    def test_tail_notices_that_the_archive_under_it_was_replaced(self):
        with Pipeline() as flow:
            sink = self.stations(flow)
            self.assertEqual(flow.run("publish", "-", input=generate(30, 5)).returncode, 0)
            tail = self.follow(flow, 30)
            self.end(sink)
            flow.archive.rename(flow.folder / "old")
            flow.popen(program="enlace-sink", **QUIET)
            rest, words = tail.communicate(timeout=30)
            self.assertEqual((tail.returncode, rest), (65, b""), words)
            self.assertIn(b"the archive was replaced", words)
            self.assertIn(b"nogales@30", words)


if __name__ == "__main__":
    unittest.main()
