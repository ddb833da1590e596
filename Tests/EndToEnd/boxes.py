"""Gateways written from docs/wire.md alone, many in one process: they lose answers, resend, reconnect and restart."""

import json
import random
import time

import zmq

EVENT = (b'{"occurred_at":"2026-10-05T10:00:00-07:00","station":"nogales","category":"sensor.ground","status":"test",'
         b'"id":"%s"}')
RESEND_SECONDS = 0.5


class Box:
    """One gateway. What it would keep on its own disk is `number` and `answers`; the rest is gone when it restarts."""

    def __init__(self, name, endpoint, seed, requests, context):
        self.name, self.endpoint, self.requests, self.context = name, endpoint, requests, context
        self.chance = random.Random(f"{seed} {name}")
        self.number = 1
        self.answers = {}
        self.socket = None
        self.sent_at = 0.0
        # A routing id of its own, the same at every connection, or one that the producer chooses.
        self.routing = name.encode() if self.chance.random() < 0.5 else None
        self.resent = self.dropped = self.restarted = self.unavailable = 0

    @property
    def is_done(self):
        return self.number > self.requests

    def events(self, number):
        """The same events at every try, whatever was forgotten in between; some are bad."""
        chance = random.Random(f"{self.name} {number}")
        lines = [EVENT % b"%s.%d.%d" % (self.name.encode(), number, index) for index in range(chance.randint(1, 3))]
        if chance.random() < 0.1:
            lines.insert(chance.randint(0, len(lines)), b'{"station":"nogales"}')
        return lines

    def connect(self):
        self.close()
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.linger = 0
        if self.routing:
            self.socket.routing_id = self.routing
        self.socket.connect(self.endpoint)

    def close(self):
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    def send(self, number, lowest):
        head = json.dumps({"gateway": self.name, "request": number, "lowest": lowest}).encode()
        try:
            self.socket.send_multipart([b"ENLACE1", head, *self.events(number)], zmq.DONTWAIT)
        except zmq.Again:
            pass
        self.sent_at = time.monotonic()

    def tick(self, now):
        """Sends what is due; now and then reconnects or starts anew with what is on its disk."""
        if self.is_done:
            return
        if self.sent_at and now - self.sent_at < RESEND_SECONDS:
            return
        if self.sent_at:
            self.resent += 1
            if self.chance.random() < 0.3:
                self.restarted += 1
                self.connect()
        self.send(self.number, self.number)

    def receive(self):
        """Takes what has come; true when something had."""
        got = False
        while True:
            try:
                first, body = self.socket.recv_multipart(zmq.DONTWAIT)
            except zmq.Again:
                return got
            got = True
            assert first == b"ENLACE1", first
            self.take(body)

    def take(self, body):
        answer = json.loads(body)
        if answer["status"] == "unavailable":
            self.unavailable += 1
            return
        assert answer["gateway"] == self.name, (self.name, answer)
        number = answer["request"]
        assert answer["status"] in ("accepted", "refused"), (self.name, answer)
        first = self.answers.setdefault(number, body)
        assert first == body, f"{self.name}: two answers to request {number}: {first} and {body}"
        if number != self.number:
            return
        if self.chance.random() < 0.2:
            # Lost on the way to its disk: it will ask again.
            self.dropped += 1
            self.sent_at = time.monotonic() - RESEND_SECONDS + self.chance.random() * 0.05
            return
        self.number += 1
        self.sent_at = 0.0

    def accepted(self):
        """The ids that were accepted, in order."""
        ids = []
        for number in range(1, self.number):
            answer = json.loads(self.answers[number])
            refused = {entry["event"] for entry in answer["refused"]}
            lines = self.events(number)
            assert answer["accepted"] == len(lines) - len(refused), answer
            ids += [json.loads(line)["id"] for index, line in enumerate(lines, 1) if index not in refused]
        return ids


class Crowd:
    """Boxes with a socket each, in one thread."""

    def __init__(self, endpoint, count, requests, seed):
        self.context = zmq.Context()
        # libzmq's own limit is 1023 sockets; a closed one counts until it is gone.
        self.context.max_sockets = 4 * count + 16
        self.boxes = [Box(f"box-{number}", endpoint, seed, requests, self.context) for number in range(count)]
        for box in self.boxes:
            box.connect()

    @property
    def answered(self):
        return sum(box.number - 1 for box in self.boxes)

    def finish(self):
        """Any thread: every box ends with the request that it is at."""
        for box in self.boxes:
            box.requests = min(box.requests, box.number)

    def run(self, at_answers=(), seconds=300):
        """Until every box has all its answers. `at_answers` are (count, function) pairs: called once so many are in."""
        waiting = sorted(at_answers, key=lambda entry: entry[0])
        end = time.monotonic() + seconds
        open_boxes = list(self.boxes)
        while open_boxes:
            now = time.monotonic()
            assert now < end, f"{len(open_boxes)} boxes still wait for an answer after {seconds} s"
            got = False
            for box in open_boxes:
                box.tick(now)
                got |= box.receive()
            while waiting and self.answered >= waiting[0][0]:
                waiting.pop(0)[1]()
            open_boxes = [box for box in open_boxes if not box.is_done]
            if not got:
                time.sleep(0.002)

    def close(self):
        for box in self.boxes:
            box.close()
        self.context.term()

    def check(self, archived_ids):
        """Every accepted event once, in the order of its box; nothing else."""
        by_box = {}
        for name in archived_ids:
            by_box.setdefault(name.split(".", 1)[0], []).append(name)
        total = 0
        for box in self.boxes:
            wanted = box.accepted()
            total += len(wanted)
            found = by_box.pop(box.name, [])
            assert found == wanted, f"{box.name}: archived {found}, accepted {wanted}"
        assert not by_box, f"archived and never accepted: {list(by_box)[:5]}"
        return total

    def summary(self):
        def add(key):
            return sum(getattr(box, key) for box in self.boxes)

        return (f"{len(self.boxes)} gateways, {self.answered} requests; {add('dropped')} answers lost, {add('resent')} requests "
                f"sent again, {add('restarted')} reconnects, {add('unavailable')} times not taken at once")
