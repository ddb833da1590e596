"""Gateways in another language: the client of docs/gateways.md, retries, and what a producer answers."""

import json
import re
import subprocess
import sys
import time
import unittest

import zmq

import pipeline
from pipeline import ROOT, Pipeline, wait_for

EVENT = {"occurred_at": "2026-10-05T10:00:00-07:00", "station": "nogales", "category": "other", "status": "test"}


class Client:
    """A gateway over pyzmq."""

    def __init__(self, flow, name):
        self.name = name
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.connect(f"ipc://{flow.run_dir}/producer.nogales.main.gateways")

    def ask(self, head, *events, seconds=20):
        frames = [b"ENLACE1", json.dumps({"gateway": self.name, **head}).encode(), *events]
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.socket.send_multipart(frames)
            if self.socket.poll(1000):
                first, body = self.socket.recv_multipart()
                assert first == b"ENLACE1"
                return json.loads(body)
        raise AssertionError("no answer")

    def close(self):
        self.socket.close()


class Gateways(unittest.TestCase):
    def test_the_client_of_the_handbook_works(self):
        text = (ROOT / "docs/gateways.md").read_text(encoding="utf-8")
        source = re.search(r"```python\n(.*?)```", text, re.S).group(1)
        shell = re.search(r"```sh\n(.*?)```", text, re.S).group(1)
        with Pipeline() as flow:
            flow.start()
            subprocess.run(["bash", "-c", shell.splitlines()[0]], cwd=flow.folder, check=True)
            (flow.folder / "client.py").write_text(source)
            endpoint = f"ipc://{flow.run_dir}/producer.nogales.main.gateways"
            done = subprocess.run([sys.executable, "client.py", endpoint, "incident.jsonl"], cwd=flow.folder,
                                  capture_output=True, timeout=60)
            self.assertEqual(done.stdout.split()[:2], [b"accepted", b"1"], done.stderr)
            wait_for(lambda: len(flow.archived()) == 1, "the event in the archive")

    def test_a_retry_gets_the_first_answer_after_a_kill_too(self):
        event = json.dumps(EVENT).encode()
        with Pipeline() as flow:
            flow.start()
            client = Client(flow, "box-1")
            first = client.ask({"request": 1, "lowest": 1}, event, b"nonsense", event)
            self.assertEqual((first["status"], first["accepted"], first["first"]), ("accepted", 2, 1))
            self.assertEqual([entry["event"] for entry in first["refused"]], [2])
            self.assertEqual(client.ask({"request": 1, "lowest": 1}, event, b"nonsense", event), first)
            before = flow.child("producer.nogales")
            subprocess.run(["kill", "-9", str(before)], check=True)
            wait_for(lambda: (now := flow.child("producer.nogales")) and now != before, "the producer again")
            self.assertEqual(client.ask({"request": 1, "lowest": 1}, event, b"nonsense", event), first)
            second = client.ask({"request": 2, "lowest": 2}, event)
            self.assertEqual(second["first"], 3)
            stale = client.ask({"request": 1, "lowest": 1}, event)
            self.assertEqual(stale["status"], "error")
            progress = client.ask({"query": "progress"})
            self.assertEqual(progress["accepted_through"], 3)
            wait_for(lambda: client.ask({"query": "progress"})["archived_through"] == 3, "all to be archived")
            self.assertEqual(client.ask({"forget": True}), {"gateway": "box-1", "status": "forgotten", "known": True})
            client.close()
            self.assertEqual(len(flow.archived()), 3)

    def test_what_is_no_request_is_answered_in_words(self):
        with Pipeline() as flow:
            flow.start()
            client = Client(flow, "box-2")
            for head in ({"request": 0, "lowest": 0}, {"request": 3}, {"request": 2, "lowest": 3}):
                answer = client.ask(head, b"{}")
                self.assertEqual(answer["status"], "error")
                self.assertTrue(answer["reason"])
            client.socket.send_multipart([b"HTTP/1.1", b"x"])
            self.assertTrue(client.socket.poll(5000))
            self.assertIn("ENLACE1", json.loads(client.socket.recv_multipart()[1])["reason"])
            client.close()

    def test_cloudevents_are_taken_and_kept_as_their_data(self):
        event = {"specversion": "1.0", "id": "ce-1", "source": "/gateway/box-3", "type": "org.enlace.incident.reported.v1",
                 "data": EVENT}
        with Pipeline() as flow:
            flow.start()
            client = Client(flow, "box-3")
            self.assertEqual(client.ask({"request": 1, "lowest": 1}, json.dumps(event).encode())["status"], "accepted")
            client.close()
            line = wait_for(lambda: flow.archived(), "the event in the archive")[0]
            self.assertEqual(json.loads(line)["id"], "ce-1")


if __name__ == "__main__":
    unittest.main()
