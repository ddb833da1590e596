"""A thousand gateways that lose answers, reconnect and restart, while the producer is killed."""

import json
import os
import re
import resource
import subprocess
import sys
import time
import unittest

import zmq

import boxes
import wire
from pipeline import BIN, ROOT, Pipeline, wait_for

GATEWAYS = "producer.nogales.main.gateways"
EVENT = b'{"occurred_at":"2026-10-05T10:00:00-07:00","station":"nogales","category":"other","status":"test","id":"%s"}'


def kill(flow, name):
    """Kills a child and waits until it is there again."""
    pid = wait_for(lambda: flow.child(name), f"{name} to be ready")
    subprocess.run(["kill", "-9", str(pid)], check=True)
    wait_for(lambda: (now := flow.child(name)) and now != pid, f"{name} again")


def ask(socket, head, *events, seconds=15):
    """Sends until an answer to this very request comes."""
    frames = [b"ENLACE1", json.dumps(head).encode(), *events]
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        socket.send_multipart(frames)
        while socket.poll(1000):
            body = socket.recv_multipart()[1]
            if json.loads(body).get("request") == head.get("request"):
                return body
    raise AssertionError("no answer")


class Many(unittest.TestCase):
    def crowd(self, flow, count, requests):
        crowd = boxes.Crowd(f"ipc://{flow.run_dir}/{GATEWAYS}", count, requests, seed=11)
        self.addCleanup(crowd.close)
        return crowd

    def settle(self, flow, crowd):
        total = sum(len(box.accepted()) for box in crowd.boxes)
        wait_for(lambda: len(flow.archived()) >= total, f"{total} events in the archive", 60)
        self.assertEqual(crowd.check([json.loads(line)["id"] for line in flow.archived()]), total)

    def test_a_thousand_gateways_and_a_producer_that_is_killed(self):
        count, requests = 1_000, 4
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        with Pipeline() as flow:
            # As many systems have it: too few descriptors unless the producer asks for what it may have.
            resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
            try:
                flow.start()
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 8192)), hard))
            crowd = self.crowd(flow, count, requests)
            total = count * requests
            crowd.run([(total * part // 5, lambda: kill(flow, "producer.nogales")) for part in (1, 2, 3)])
            self.settle(flow, crowd)
            # Whoever asks again for its last answer gets the very same.
            for box in crowd.boxes[::20]:
                box.connect()
                head = {"gateway": box.name, "request": requests, "lowest": requests}
                self.assertEqual(ask(box.socket, head, *box.events(requests)), box.answers[requests])
            self.assertEqual(flow.stop(), 0)
            code, report = flow.verify()
            self.assertEqual(code, 0, report)

    def test_answers_to_gateways_that_vanished_hold_nobody_up(self):
        with Pipeline() as flow:
            flow.start()
            for number in range(300):
                gone = wire.connect(flow, GATEWAYS)
                gone.linger = 1000
                gone.send_multipart([b"ENLACE1", b'{"gateway":"gone-%d","request":1,"lowest":1}' % number,
                                     EVENT % (b"gone-%d" % number)])
                gone.close()
            here = wire.connect(flow, GATEWAYS)
            self.assertEqual(json.loads(ask(here, {"gateway": "here", "request": 1, "lowest": 1}, EVENT % b"here"))["status"],
                             "accepted")
            here.close()
            wait_for(lambda: len(flow.archived()) == 301, "all events")


    def test_two_gateways_with_one_routing_id_can_tell_their_answers_apart(self):
        with Pipeline() as flow:
            flow.start()
            sockets = {}
            for name in ("east", "west"):
                socket = zmq.Context.instance().socket(zmq.DEALER)
                socket.linger, socket.routing_id = 0, b"box"
                socket.connect(f"ipc://{flow.run_dir}/{GATEWAYS}")
                self.addCleanup(socket.close)
                sockets[name] = socket
            meant = set()
            end = time.monotonic() + 20
            while meant != {"east", "west"} and time.monotonic() < end:
                for name, socket in sockets.items():
                    socket.send_multipart([b"ENLACE1", b'{"gateway":"%s","request":1,"lowest":1}' % name.encode(),
                                           EVENT % name.encode()])
                for socket in sockets.values():
                    while socket.poll(300):
                        answer = json.loads(socket.recv_multipart()[1])
                        self.assertEqual(answer["status"], "accepted")
                        meant.add(answer["gateway"])
            self.assertTrue(meant)
            for name in meant:
                self.assertIn(name, ("east", "west"))
            # Both are taken, or the one whose connection was taken over goes on from a connection of its own.
            for name in ("east", "west"):
                own = wire.connect(flow, GATEWAYS)
                answer = json.loads(ask(own, {"gateway": name, "request": 1, "lowest": 1}, EVENT % name.encode()))
                self.assertEqual((answer["status"], answer["gateway"]), ("accepted", name))
                own.close()
            wait_for(lambda: sorted(json.loads(line)["id"] for line in flow.archived()) == ["east", "west"], "one of each")


    def test_the_script_that_kills_under_a_crowd_works(self):
        done = subprocess.run([sys.executable, ROOT / "scripts/lib/chaos.py", "--gateways", "60", "--rounds", "2", "--seed", "3"],
                              capture_output=True, text=True, timeout=300, env={**os.environ, "ENLACE_BIN": str(BIN)})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("each archived exactly once", done.stdout)


class Memory(unittest.TestCase):
    def test_the_answers_of_the_last_64_requests_are_kept_and_older_numbers_are_stale(self):
        with Pipeline() as flow:
            flow.start()
            socket = wire.connect(flow, GATEWAYS)
            first = {}
            # Request 1 stays open: the box says so by `lowest`, and lets not more than 63 others be answered meanwhile.
            for number in [*range(2, 65), 1]:
                first[number] = ask(socket, {"gateway": "g", "request": number, "lowest": 1}, EVENT % b"%d" % number)
            kill(flow, "producer.nogales")
            for number in range(1, 65):
                again = ask(socket, {"gateway": "g", "request": number, "lowest": 1}, EVENT % b"%d" % number)
                self.assertEqual(again, first[number])
            ask(socket, {"gateway": "g", "request": 65, "lowest": 65}, EVENT % b"65")
            for number in (1, 64):
                stale = json.loads(ask(socket, {"gateway": "g", "request": number, "lowest": 1}, EVENT % b"%d" % number))
                self.assertEqual(stale["status"], "error")
                self.assertIn("older than what is remembered", stale["reason"])
            socket.close()
            wait_for(lambda: len(flow.archived()) == 65, "each event once")
            wait_for(lambda: "older than the answers that are kept" in (flow.folder / "up.log").read_text(), "the log")

    def test_the_gateway_after_ten_thousand_is_refused_until_one_is_forgotten(self):
        limit = 10_000
        with Pipeline() as flow:
            flow.start()
            socket = wire.connect(flow, GATEWAYS)
            open_requests, sent = set(), 0

            def send(number):
                socket.send_multipart([b"ENLACE1", b'{"gateway":"g-%d","request":%d,"lowest":1}' % (number, number),
                                       EVENT % b"%d" % number])

            while sent < limit or open_requests:
                while sent < limit and len(open_requests) < 500:
                    sent += 1
                    open_requests.add(sent)
                    send(sent)
                if not socket.poll(1000):
                    # More answers at once than the producer holds for one socket: they are asked for again.
                    for number in open_requests:
                        send(number)
                    continue
                answer = json.loads(socket.recv_multipart()[1])
                self.assertEqual(answer["status"], "accepted", answer)
                open_requests.discard(answer["request"])
            new = {"gateway": "one-too-many", "request": 1, "lowest": 1}
            refused = json.loads(ask(socket, new, EVENT % b"new"))
            self.assertEqual((refused["status"], refused["retry"]), ("unavailable", True))
            self.assertIn("10000 gateways", refused["reason"])
            # A known one goes on, and its number is its own.
            self.assertEqual(json.loads(ask(socket, {"gateway": "g-7", "request": 8, "lowest": 8}, EVENT % b"8a"))["status"],
                             "accepted")
            # After a restart it remembers all of them; one that has not spoken since can be forgotten.
            kill(flow, "producer.nogales")
            self.assertEqual(json.loads(ask(socket, new, EVENT % b"new"))["status"], "unavailable")
            self.assertEqual(json.loads(ask(socket, {"gateway": "g-9000", "forget": True})), 
                             {"gateway": "g-9000", "status": "forgotten", "known": True})
            self.assertEqual(json.loads(ask(socket, new, EVENT % b"new"))["status"], "accepted")
            another = {"gateway": "two-too-many", "request": 1, "lowest": 1}
            self.assertEqual(json.loads(ask(socket, another, EVENT % b"no"))["status"], "unavailable")
            socket.close()
            wait_for(lambda: len(flow.archived()) == limit + 2, "all events", 30)


class Handbook(unittest.TestCase):
    def test_the_box_of_the_handbook_that_is_killed_and_started_again_publishes_each_line_once(self):
        text = (ROOT / "docs/gateways.md").read_text(encoding="utf-8").split("## Retries", 1)[1]
        source = re.search(r"```python\n(.*?)```", text, re.S).group(1)
        count = 400
        with Pipeline() as flow:
            flow.start()
            feed = flow.folder / "feed.jsonl"
            feed.write_bytes(b"".join(EVENT % (b"%d" % number) + b"\n" for number in range(count)))
            (flow.folder / "box.py").write_text(source)
            words = [sys.executable, "box.py", f"ipc://{flow.run_dir}/{GATEWAYS}", "feed.jsonl"]
            for stop in (100, 200):
                box = subprocess.Popen(words, cwd=flow.folder, stdout=subprocess.PIPE)
                flow.processes.append(box)
                while int(box.stdout.readline().split()[0]) < stop:
                    pass
                box.kill()
                box.wait()
                box.stdout.close()
                kill(flow, "producer.nogales")
            done = subprocess.run(words, cwd=flow.folder, capture_output=True, timeout=120)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual({line.split()[1] for line in done.stdout.splitlines()}, {b"accepted"})
            wait_for(lambda: len(flow.archived()) >= count, "all events")
            self.assertEqual([json.loads(line)["id"] for line in flow.archived()], [str(number) for number in range(count)])


if __name__ == "__main__":
    unittest.main()
