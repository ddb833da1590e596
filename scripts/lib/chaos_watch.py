"""What watches a pipeline while it is killed: the feed, live tails, a subscriber, and the check of the promises."""

import hashlib
import json
import re
import signal
import subprocess
import threading
import time

import zmq

import pipeline

ID = re.compile(rb'"id":"c-(\d+)"')
SEQUENCE = re.compile(rb'"ingest":\{[^}]*"seq":(\d+)')


class Feed(threading.Thread):
    """Writes numbered events into `enlace publish` at a steady pace until it is told to stop."""

    def __init__(self, flow, out, *, per_second, bad_every=0):
        super().__init__(daemon=True)
        lines = pipeline.generate(20_000, 17).splitlines()
        self.bodies = [re.sub(rb'^\{("id":"[^"]*",)?', b"", line) for line in lines]
        self.per_second = per_second
        self.bad_every = bad_every
        self.count = 0
        self.error = None
        self.must_stop = threading.Event()
        self.publish = flow.popen("publish", "-", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=out)

    def run(self):
        try:
            started = time.monotonic()
            while not self.must_stop.is_set():
                due = int((time.monotonic() - started) * self.per_second) - self.count
                if due > 0:
                    self.publish.stdin.write(b"".join(self.line(self.count + index) for index in range(due)))
                    self.publish.stdin.flush()
                    self.count += due
                self.must_stop.wait(0.02)
            self.publish.stdin.close()
        except OSError as error:
            self.error = error

    def is_bad(self, number):
        return self.bad_every > 0 and number % self.bad_every == self.bad_every - 1

    @property
    def bad(self):
        """How many of those written are to be refused."""
        return self.count // self.bad_every if self.bad_every else 0

    def line(self, number):
        mark = b'"nonsense":1,' if self.is_bad(number) else b""
        return b'{"id":"c-%d",%s%s\n' % (number, mark, self.bodies[number % len(self.bodies)])

    def finish(self):
        """Ends the input and returns what `enlace publish` said."""
        self.must_stop.set()
        self.join()
        told = json.loads(self.publish.stdout.read())
        self.publish.wait(60)
        if self.error:
            raise self.error
        return told


class Tail:
    """An `enlace tail` that must see every event once and in order."""

    def __init__(self, flow, number):
        self.path = flow.folder / f"tail-{number}.txt"
        self.output = open(self.path, "wb")
        self.errors = open(flow.folder / f"tail-{number}.log", "wb")
        self.process = flow.popen("tail", "--station", "nogales", "--from", "begin", "--format", "jsonl",
                                  "--with-position", stdout=self.output, stderr=self.errors)

    def finish(self, count):
        """Waits for its last event and stops it."""
        def has_all():
            if self.process.poll() is not None:
                raise AssertionError(f"enlace tail ended with {self.process.returncode}")
            with open(self.path, "rb") as lines:
                lines.seek(max(0, self.path.stat().st_size - (1 << 18)))
                last = lines.read().rsplit(b"\n", 2)[-2:-1]
            return bool(last) and last[0].startswith(b"nogales@%d\t" % (count - 1))

        pipeline.wait_for(has_all, f"{self.path.name} to see all {count} events")
        self.process.send_signal(signal.SIGINT)
        self.process.wait(20)
        self.output.close()
        self.errors.close()

    def check(self, digests):
        with open(self.path, "rb") as lines:
            seen = 0
            for line in lines:
                position, event = line.rstrip(b"\n").split(b"\t", 1)
                if position != b"nogales@%d" % seen or digest(event) != digests[seen]:
                    raise AssertionError(f"{self.path.name}: {position.decode()} where @{seen} is due, or another event")
                seen += 1
        if seen != len(digests):
            raise AssertionError(f"{self.path.name} saw {seen} of {len(digests)} events")


class Subscriber(threading.Thread):
    """A bare SUB that notes everything the live stream has ever shown."""

    def __init__(self, flow):
        super().__init__(daemon=True)
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.SUB)
        self.socket.setsockopt(zmq.SUBSCRIBE, b"")
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.connect(f"ipc://{flow.run_dir}/sink.live")
        self.seen = {}
        self.problem = None
        self.must_stop = threading.Event()

    def run(self):
        while not self.must_stop.is_set():
            if not self.socket.poll(100):
                continue
            topic, position, event = self.socket.recv_multipart()
            if topic.endswith(b"/beacon"):
                continue
            offset = int(position.rsplit(b"@", 1)[1])
            if self.seen.setdefault(offset, digest(event)) != digest(event):
                self.problem = f"two events were shown as {position.decode()}"

    def finish(self):
        self.must_stop.set()
        self.join()
        self.socket.close()
        self.context.term()

    def check(self, digests):
        if self.problem:
            raise AssertionError(self.problem)
        if not self.seen:
            raise AssertionError("the live stream showed nothing")
        for offset, shown in self.seen.items():
            if offset >= len(digests) or digests[offset] != shown:
                raise AssertionError(f"nogales@{offset} was shown live and is not what the archive holds")


def digest(event):
    return hashlib.blake2b(event, digest_size=16).digest()


def check_archive(flow, feed):
    """Every good event is archived once, in the producer's order. Returns a digest a line."""
    code, report = flow.verify()
    if code != 0:
        raise AssertionError(f"archive verify: {report}")
    numbers, sequences, digests = [], [], []
    cat = flow.popen("archive", "cat", flow.archive, common=False, stdout=subprocess.PIPE)
    for line in cat.stdout:
        line = line.rstrip(b"\n")
        numbers.append(int(ID.search(line).group(1)))
        sequences.append(int(SEQUENCE.search(line).group(1)))
        digests.append(digest(line))
    if cat.wait() != 0:
        raise AssertionError(f"archive cat ended with {cat.returncode}")
    if len(numbers) != len(set(numbers)):
        raise AssertionError(f"{len(numbers) - len(set(numbers))} events are doubled")
    wanted = {number for number in range(feed.count) if not feed.is_bad(number)}
    if set(numbers) != wanted:
        lost = sorted(wanted - set(numbers))
        raise AssertionError(
            f"{len(wanted)} were published, {len(numbers)} are archived; lost {len(lost)}, such as {lost[:10]}")
    # The producer's order: what it numbered. Requests that were on their way together when it died may have been
    # accepted in another order than they were written.
    if sequences != list(range(1, len(wanted) + 1)):
        raise AssertionError("the order is not the one in which the producer accepted them")
    good = sorted(wanted)
    places = {number: index for index, number in enumerate(good)}
    moved = sum(1 for before, after in zip(numbers, numbers[1:]) if places[after] != places[before] + 1)
    print(f"{moved} places where retried requests were accepted in another order than they were written")
    return digests


def check_rejects(flow, feed):
    """Every bad event is among the rejects once."""
    numbers, seen = [], []
    for path in sorted((flow.state_dir / "rejects" / "station=nogales").glob("*.jsonl")):
        for line in path.read_bytes().splitlines():
            record = json.loads(line)
            numbers.append(record["number"])
            seen.append(int(ID.search(record["event"].encode()).group(1)))
    if sorted(seen) != [number for number in range(feed.count) if feed.is_bad(number)]:
        raise AssertionError(f"{feed.bad} events were refused, {len(seen)} rejects are kept, {len(set(seen))} different ones")
    if numbers != list(range(1, len(numbers) + 1)):
        raise AssertionError("the rejects are not numbered one after the other")


def check_told(told, feed):
    good = feed.count - feed.bad
    if (told["accepted"], told["rejected"], told["archived"]) != (good, feed.bad, good):
        raise AssertionError(
            f"{good} good and {feed.bad} bad events were written to enlace publish, which says {told}")


def check_audit(flow):
    """Asks `enlace audit`, where there is one."""
    if not re.search(rb"^  audit ", flow.run("--help", common=False).stdout, re.MULTILINE):
        return
    done = flow.run("audit", "--json")
    if done.returncode != 0:
        raise AssertionError(f"enlace audit: {done.returncode} {done.stdout.decode()} {done.stderr.decode()}")
