"""A gateway for tests that asks one thing at a time, so that each request becomes a batch of its own."""

import json
import time

import zmq

EVENT = '{"id":"%s","occurred_at":"2026-10-05T10:00:00Z","station":"%s","category":"sensor.ground"%s}'


class Box:
    def __init__(self, flow, station="nogales", name="box", narrative=""):
        self.endpoint = f"ipc://{flow.run_dir}/producer.{station}.main.gateways"
        self.station, self.name, self.number = station, name, 0
        self.rest = ',"narrative":"%s"' % narrative if narrative else ""
        self.sent = []
        self.connect()

    def connect(self):
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.connect(self.endpoint)

    def ask(self, head, events=(), seconds=60, wait_ms=3000):
        """The answer; asks again over a new connection when none comes."""
        end = time.monotonic() + seconds
        while True:
            self.socket.send_multipart([b"ENLACE1", json.dumps({"gateway": self.name, **head}).encode(), *events])
            while self.socket.poll(wait_ms):
                answer = json.loads(self.socket.recv_multipart()[1])
                # A late answer to what was asked before is not the one.
                if answer.get("request") == head.get("request"):
                    return answer
            assert time.monotonic() < end, f"no answer within {seconds} s"
            self.socket.close()
            self.connect()

    def offer(self, names, seconds=60):
        """Asks once for these events under the next number; the number is used up when they are accepted."""
        number = self.number + 1
        events = [(EVENT % (name, self.station, self.rest)).encode() for name in names]
        answer = self.ask({"request": number, "lowest": number}, events, seconds)
        if answer["status"] == "accepted":
            assert answer["accepted"] == len(names), answer
            self.number = number
            self.sent += names
        return answer

    def send(self, names, seconds=60):
        """Offers the events until they are accepted."""
        end = time.monotonic() + seconds
        while (answer := self.offer(names, seconds))["status"] != "accepted":
            assert answer["status"] == "unavailable" and answer["retry"] is True, answer
            assert time.monotonic() < end, answer
            time.sleep(0.1)
        return names

    def archived_through(self):
        return self.ask({"query": "progress"})["archived_through"]

    def close(self):
        self.socket.close()
