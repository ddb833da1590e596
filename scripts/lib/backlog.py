"""A backlog: events into the outbox while the sink is away, then all of it into the archive; and how soon events flow
again after a kill, and how soon a sink on a big archive is ready."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Tests" / "EndToEnd"))

import pipeline  # noqa: E402

BLOCK_EVENTS = 100_000
LOAD_EVENTS_PER_SECOND = 5_000
MEBIBYTE = 1 << 20


class Progress:
    """One line on a terminal, nothing elsewhere."""

    def __init__(self, what, total):
        self.what, self.total, self.next = what, total, 0.0

    def show(self, done, detail=""):
        now = time.monotonic()
        if not sys.stderr.isatty() or now < self.next:
            return
        self.next = now + 0.5
        print(f"\r\033[K{self.what}: {done:,} of {self.total:,} ({100 * done // max(self.total, 1)} %) {detail}",
              end="", file=sys.stderr, flush=True)

    def clear(self):
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr, flush=True)


class Sampler(threading.Thread):
    """Watches a process: the most anonymous memory it had."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.most, self.must_stop = pid, 0, threading.Event()
        self.start()

    def run(self):
        while not self.must_stop.wait(0.02):
            try:
                text = pathlib.Path(f"/proc/{self.pid}/status").read_text()
            except OSError:
                return
            found = re.search(r"RssAnon:\s+(\d+) kB", text)
            if found:
                self.most = max(self.most, int(found.group(1)) * 1024)

    def stop(self):
        self.must_stop.set()
        self.join()
        return self.most


@contextlib.contextmanager
def prepared(options, cap_bytes):
    """A pipeline whose data lies in the chosen directory, removed afterwards."""
    environment = {"ENLACE_OUTBOX_CAP_BYTES": str(cap_bytes)}
    with pipeline.Pipeline(environment=environment) as flow:
        data = pathlib.Path(tempfile.mkdtemp(prefix="enlace-backlog-", dir=options.directory))
        flow.state_dir = data / "s"
        flow.archive = flow.state_dir / "archive"
        try:
            yield flow
        finally:
            for process in flow.processes:
                if process.poll() is None:
                    process.kill()
                    process.wait()
            shutil.rmtree(data, ignore_errors=True)


def block():
    """Events to feed again and again, and the bytes that one of them takes in the outbox and in the archive."""
    lines = pipeline.generate(BLOCK_EVENTS, 7)
    sample = b"".join(line + b"\n" for line in lines.splitlines()[:2_000])
    done = subprocess.run([pipeline.BIN / "enlace", "enrich", "-", "--seeds", pipeline.SEEDS], input=sample,
                          capture_output=True, check=True)
    return lines, len(lines) / BLOCK_EVENTS, len(done.stdout) / 2_000 + 150


def check_room(directory, needed, what):
    """Says clearly, before anything is written, when the disk is too small."""
    usage = shutil.disk_usage(directory)
    reserve = usage.total // 20
    if usage.free < needed + reserve:
        sys.exit(f"scripts/bench: {what} needs {needed / 1e9:.1f} GB in {directory}, and 5 % of the disk "
                 f"({reserve / 1e9:.1f} GB) stay free; {usage.free / 1e9:.1f} GB are free: "
                 "choose fewer --events or another --directory")


def disk_rate(directory, size):
    """Bytes a second that the disk takes by itself at this moment: a file written and synced piece by piece."""
    directory.mkdir(parents=True, exist_ok=True)
    pieces, data = max(1, int(min(size, 1 << 30)) // MEBIBYTE), os.urandom(MEBIBYTE)
    path = directory / "disk-alone"
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    started = time.monotonic()
    for _ in range(pieces):
        os.write(descriptor, data)
        os.fdatasync(descriptor)
    seconds = time.monotonic() - started
    os.close(descriptor)
    path.unlink()
    return pieces * MEBIBYTE / seconds


def status(flow, name):
    try:
        return json.loads((flow.run_dir / "status" / f"{name}.json").read_text())
    except (OSError, ValueError):
        return None


def counter(flow, name, key):
    return (status(flow, name) or {"counters": {}})["counters"].get(key, 0)


class Feed:
    """Writes blocks into the producer's standard input and remembers when which event went in."""

    def __init__(self, producer, lines, events, progress):
        self.pipe, self.pid, self.events, self.progress = producer.stdin, producer.pid, events, progress
        self.marks = [(time.monotonic(), 0, self.processor_seconds())]
        parts = lines.splitlines(keepends=True)
        self.chunks = [(b"".join(parts[at:at + 1_000]), len(parts[at:at + 1_000])) for at in range(0, len(parts), 1_000)]

    def run(self):
        fed = 0
        while fed < self.events:
            for data, count in self.chunks:
                if fed + count > self.events:
                    count = self.events - fed
                    data = b"".join(data.splitlines(keepends=True)[:count])
                self.pipe.write(data)
                fed += count
                self.marks.append((time.monotonic(), fed, self.processor_seconds()))
                if fed >= self.events:
                    break
            self.progress.show(fed, f"{self.rate(max(0, fed - 500_000), fed):,.0f} events/s")
        self.pipe.close()
        self.progress.clear()

    def processor_seconds(self):
        try:
            fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def between(self, start, end):
        begin = next(mark for mark in self.marks if mark[1] >= start)
        last = next((mark for mark in self.marks if mark[1] >= end), self.marks[-1])
        return [after - before for before, after in zip(begin, last)]

    def rate(self, start, end):
        """Events a second between two counts."""
        seconds, count, _ = self.between(start, end)
        return count / max(seconds, 1e-9)

    def processor(self, start, end):
        """The producer's microseconds of processor time an event between two counts; neighbours cannot disturb it."""
        _, count, seconds = self.between(start, end)
        return seconds * 1e6 / max(count, 1)


def outbox_bytes(flow):
    return sum(path.stat().st_blocks * 512 for path in (flow.state_dir / "outbox").rglob("*") if path.is_file())


def backlog(options):
    """Fills the outbox with the sink down, then starts the sink: everything must arrive, once."""
    events = options.events
    lines, raw_bytes, archived_bytes = block()
    # A batch takes whole pages of the outbox, and the archive is written while the outbox still has its file.
    held = int(events * raw_bytes * 1.06) + 64 * MEBIBYTE
    check_room(options.directory, held + int(events * archived_bytes * 1.02), f"a backlog of {events:,} events")
    print(f"{events:,} events of {raw_bytes:.0f} bytes", flush=True)
    with prepared(options, held + 256 * MEBIBYTE) as flow:
        producer = flow.popen("--station", "nogales", "--input", "-", "--again", program="enlace-producer",
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        sampler = Sampler(producer.pid)
        before = disk_rate(flow.state_dir, max(events // 20, 1) * raw_bytes)
        feed = Feed(producer, lines, events, Progress("into the outbox", events))
        feed.run()
        pipeline.wait_for(lambda: counter(flow, "producer.nogales.main", "stored_through") == events,
                          "all events in the outbox", 120)
        part = max(events // 20, 1)
        empty, full = feed.rate(part // 5, part + part // 5), feed.rate(events - part, events)
        print(f"accepted with an empty outbox: {empty:,.0f} events/s; with the backlog: {full:,.0f} events/s; "
              f"ratio {full / empty:.2f} (goal 0.80); on the whole {feed.rate(0, events):,.0f} events/s")
        tenths = [feed.rate(events * tenth // 10, events * (tenth + 1) // 10) for tenth in range(10)]
        print("  by tenths: " + " ".join(f"{rate / 1000:,.0f}" for rate in tenths) + " thousand events/s")
        print(f"  the producer's processor time an event: {feed.processor(0, events // 10):.2f} µs in the first tenth, "
              f"{feed.processor(events - events // 10, events):.2f} µs in the last")
        after = disk_rate(flow.state_dir, part * raw_bytes)
        print(f"  the disk alone, the same bytes in synced pieces of 1 MiB: {before / 1e6:,.0f} MB/s before, "
              f"{after / 1e6:,.0f} MB/s after; ratio {after / before:.2f}", flush=True)
        print(f"the outbox: {outbox_bytes(flow) / 1e6:,.0f} MB for {events * raw_bytes / 1e6:,.0f} MB of events")
        seconds = drain(flow, producer, events)
        memory = sampler.stop()
        print(f"drained in {seconds:.1f} s: {events / seconds:,.0f} events/s")
        print(f"the producer's own memory at most: {memory / MEBIBYTE:.0f} MiB RssAnon (goal 256)")
        stop(flow)
        check_archive(flow, events)
        print("every event is archived exactly once: the archive's count and sequences are exact and it verifies")
    return full / empty, memory


def drain(flow, producer, events):
    """Starts sink and worker, waits until the producer says that all is archived, and checks what it says."""
    quiet = {"stderr": subprocess.DEVNULL}
    started = time.monotonic()
    flow.popen(program="enlace-sink", **quiet)
    flow.popen("--station", "nogales", program="enlace-enricher", **quiet)
    progress = Progress("into the archive", events)
    while producer.poll() is None:
        done = counter(flow, "producer.nogales.main", "archived_through")
        progress.show(done, f"{done / (time.monotonic() - started):,.0f} events/s")
        time.sleep(0.02)
    progress.clear()
    seconds = time.monotonic() - started
    told = json.loads(producer.stdout.read())
    producer.stdout.close()
    if producer.returncode != 0 or (told["accepted"], told["rejected"], told["archived"]) != (events, 0, events):
        raise AssertionError(f"{events} events were fed; the producer ended with {producer.returncode} and {told}")
    return seconds


def stop(flow):
    for process in flow.processes:
        if process.poll() is None:
            process.terminate()
            process.wait(60)


def check_archive(flow, events):
    code, report = flow.verify()
    if code != 0:
        raise AssertionError(f"archive verify: {report}")
    words = flow.command("archive", "cat", flow.archive, common=False)
    expected = 1
    with subprocess.Popen(words, stdout=subprocess.PIPE) as cat:
        for line in cat.stdout:
            # The pipeline's own ingest stands behind everything that the event brought.
            at = line.rindex(b'"ingest":{')
            found = int(re.search(rb'"seq":(\d+)', line[at:at + 400]).group(1))
            if found != expected:
                raise AssertionError(f"sequence {found} stands in the archive where {expected} should be")
            expected += 1
    if cat.returncode != 0 or expected != events + 1:
        raise AssertionError(f"{expected - 1} events are archived, {events} were accepted")


class Load(threading.Thread):
    """A steady feed through `enlace publish`."""

    def __init__(self, flow, lines):
        super().__init__(daemon=True)
        self.lines = lines.splitlines(keepends=True)
        self.must_stop = threading.Event()
        self.count, self.error = 0, None
        self.publish = flow.popen("publish", "-", stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL)

    def run(self):
        try:
            started = time.monotonic()
            while not self.must_stop.wait(0.005):
                due = int((time.monotonic() - started) * LOAD_EVENTS_PER_SECOND) - self.count
                if due > 0:
                    data = b"".join(self.lines[(self.count + index) % len(self.lines)] for index in range(due))
                    self.publish.stdin.write(data)
                    self.publish.stdin.flush()
                    self.count += due
            self.publish.stdin.close()
        except OSError as error:
            self.error = error


def archived_bytes(flow):
    return sum(path.stat().st_size for path in flow.archive.rglob("*.jsonl"))


def pause_after_kill(flow, name):
    """Kills a process; seconds from there to the end of the longest standstill of the archive that it caused."""
    pid = pipeline.wait_for(lambda: flow.child(name), f"{name} to be ready")
    os.kill(pid, signal.SIGKILL)
    killed = last_growth = time.monotonic()
    size, longest, resumed, is_again = archived_bytes(flow), 0.0, 0.0, False
    while not (is_again and resumed and time.monotonic() - last_growth < 0.5 and time.monotonic() - killed > 3):
        time.sleep(0.005)
        now, grown = time.monotonic(), archived_bytes(flow)
        if grown != size:
            if now - last_growth > longest:
                longest, resumed = now - last_growth, now
            size, last_growth = grown, now
        if not is_again:
            again = flow.child(name)
            is_again = again is not None and again != pid
        if now - killed > 60:
            raise AssertionError(f"nothing moved for 60 s after {name} was killed")
    return resumed - killed


def kills(options):
    """Kills each process of a loaded pipeline and says how soon events are archived again."""
    lines, _, _ = block()
    with prepared(options, 8 << 30) as flow:
        flow.start()
        load = Load(flow, lines)
        load.start()
        pipeline.wait_for(lambda: archived_bytes(flow) > 0, "the first archived events")
        worst = 0.0
        names = [entry["name"] for entry in flow.supervisor()["children"]]
        for name in sorted(names):
            before = archived_bytes(flow)
            pipeline.wait_for(lambda: archived_bytes(flow) > before, "events on their way")
            seconds = pause_after_kill(flow, name)
            worst = max(worst, seconds)
            print(f"kill -9 of {name}: events are archived again after {seconds:.2f} s (goal 3)", flush=True)
        load.must_stop.set()
        told = json.loads(load.publish.stdout.read())
        load.publish.stdout.close()
        load.publish.wait(60)
        load.join()
        if load.error:
            raise load.error
        if (told["accepted"], told["archived"]) != (load.count, load.count):
            raise AssertionError(f"{load.count} were written to enlace publish, which says {told}")
        if flow.stop() != 0:
            raise AssertionError("enlace up did not end with 0")
        check_archive(flow, load.count)
    return worst


def big_archive(options):
    """Builds a big archive by running the pipeline, and says how soon a sink on it is ready."""
    lines, raw_bytes, archived = block()
    events = int(options.archive_bytes / archived) + 1
    # The outbox is trimmed all the time: what it holds is a window, and its file does not grow with the archive.
    check_room(options.directory, int(options.archive_bytes * 1.1) + (2 << 30), "the archive")
    with prepared(options, 1 << 30) as flow:
        quiet = {"stderr": subprocess.DEVNULL}
        flow.popen(program="enlace-sink", **quiet)
        flow.popen("--station", "nogales", program="enlace-enricher", **quiet)
        producer = flow.popen("--station", "nogales", "--input", "-", "--again", program="enlace-producer",
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, **quiet)
        Feed(producer, lines, events, Progress("building the archive", events)).run()
        producer.stdout.read()
        producer.stdout.close()
        if producer.wait(600) != 0:
            raise AssertionError(f"the producer ended with {producer.returncode}")
        sink = flow.processes[0]
        size = archived_bytes(flow)
        worst = 0.0
        for how, number in (("an orderly stop", signal.SIGTERM), ("kill -9", signal.SIGKILL)):
            sink.send_signal(number)
            sink.wait(60)
            with contextlib.suppress(FileNotFoundError):
                (flow.run_dir / "status" / "sink.json").unlink()
            started = time.monotonic()
            sink = flow.popen(program="enlace-sink", **quiet)
            pipeline.wait_for(lambda: status(flow, "sink"), "the sink to be ready", 600)
            seconds = time.monotonic() - started
            worst = max(worst, seconds)
            print(f"a sink on {size / 1e9:.1f} GB of archive is ready {seconds:.2f} s after its start, after {how} (goal 2)",
                  flush=True)
        stop(flow)
    return worst


def run(options):
    """The whole measurement; what it prints is the result, what is wrong raises."""
    directory = options.directory = pathlib.Path(options.directory)
    directory.mkdir(parents=True, exist_ok=True)
    if options.archive_bytes:
        return big_archive(options)
    backlog(options)
    if not options.no_kills:
        kills(options)
    return None
