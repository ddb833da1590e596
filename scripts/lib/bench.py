"""Throughput of real processes, beside what the disk and libzmq do by themselves in the same run."""

import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Tests" / "EndToEnd"))

import backlog  # noqa: E402
import pipeline  # noqa: E402

BATCH_BYTES = 256 * 1024


def prepared(events, folder):
    """Generated events of one station in a file."""
    path = pathlib.Path(folder) / "events.jsonl"
    with open(path, "wb") as out:
        subprocess.run(
            [pipeline.BIN / "enlace", "generate", "--count", str(events), "--seed", "7", "--station", "nogales",
             "--seeds", pipeline.SEEDS], stdout=out, check=True)
    return path


def disk_streams(path, folder, chunk, streams=2):
    """Seconds that concurrent streams need to write these bytes, each with an fdatasync a chunk."""
    data = path.read_bytes()

    def write(number):
        descriptor = os.open(pathlib.Path(folder) / f"stream-{number}", os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        view = memoryview(data)
        for at in range(0, len(data), chunk):
            os.write(descriptor, view[at:at + chunk])
            os.fdatasync(descriptor)
        os.close(descriptor)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(streams)]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.monotonic() - started
    for number in range(streams):
        os.unlink(pathlib.Path(folder) / f"stream-{number}")
    return seconds


def sync_times(folder, chunk, count=200):
    """Sorted seconds of single fdatasync calls behind a chunk's write."""
    descriptor = os.open(pathlib.Path(folder) / "sync", os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    data = os.urandom(chunk)
    times = []
    for _ in range(count):
        os.write(descriptor, data)
        started = time.monotonic()
        os.fdatasync(descriptor)
        times.append(time.monotonic() - started)
    os.close(descriptor)
    os.unlink(pathlib.Path(folder) / "sync")
    return sorted(times)


RELAY = """
import sys, zmq
context = zmq.Context()
source, target = context.socket(zmq.PULL), context.socket(zmq.PUSH)
source.bind(sys.argv[1]); target.connect(sys.argv[2])
while True:
    frame = source.recv(copy=False)
    target.send(frame, copy=False)
    if len(frame) == 0: break
target.close(linger=5000); source.close(); context.term()
"""

PUSHER = """
import sys, zmq
data = open(sys.argv[2], "rb").read(); chunk = int(sys.argv[3])
context = zmq.Context(); socket = context.socket(zmq.PUSH); socket.set_hwm(32)
socket.connect(sys.argv[1])
for at in range(0, len(data), chunk): socket.send(data[at:at + chunk], copy=False)
socket.send(b""); socket.close(linger=5000); context.term()
"""


def raw_zeromq(path, folder):
    """Seconds for the same bytes over two hops of libzmq between three processes, nothing kept."""
    import zmq

    context = zmq.Context()
    middle = f"ipc://{folder}/hop"
    sink = context.socket(zmq.PULL)
    sink.bind(f"ipc://{folder}/last")
    relay = subprocess.Popen([sys.executable, "-c", RELAY, middle, f"ipc://{folder}/last"])
    pusher = subprocess.Popen([sys.executable, "-c", PUSHER, middle, str(path), str(BATCH_BYTES)])
    first = None
    total = 0
    while True:
        frame = sink.recv(copy=False)
        first = first or time.monotonic()
        if len(frame) == 0:
            break
        total += len(frame)
    seconds = time.monotonic() - first
    pusher.wait()
    relay.wait()
    sink.close()
    context.term()
    assert total == path.stat().st_size, "raw ZeroMQ lost bytes"
    return seconds


def memory_bytes(pid):
    """Anonymous resident memory of a process."""
    try:
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def processor_seconds(pid):
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except OSError:
        return 0.0


def flow_once(path):
    """One run of three processes: seconds, memory and processor time by process."""
    with pipeline.Pipeline() as flow:
        quiet = {"stderr": subprocess.DEVNULL}
        processes = {"sink": flow.popen(program="enlace-sink", **quiet)}
        processes["enricher"] = flow.popen("--station", "nogales", program="enlace-enricher", **quiet)
        pipeline.wait_for(lambda: (flow.run_dir / "status" / "sink.json").exists(), "the sink")
        started = time.monotonic()
        producer = flow.popen("--station", "nogales", "--input", path, program="enlace-producer",
                              stdout=subprocess.PIPE, **quiet)
        processes["producer"] = producer
        memory = dict.fromkeys(processes, 0)
        processor = dict.fromkeys(processes, 0.0)
        while producer.poll() is None:
            for name, process in processes.items():
                memory[name] = max(memory[name], memory_bytes(process.pid))
                processor[name] = max(processor[name], processor_seconds(process.pid))
            time.sleep(0.02)
        seconds = time.monotonic() - started
        told = json.loads(producer.stdout.read())
        producer.stdout.close()
        assert told["archived"] == told["accepted"] and told["rejected"] == 0, told
        for process in (processes["enricher"], processes["sink"]):
            process.terminate()
            process.wait(30)
        code, report = flow.verify()
        assert code == 0, report
        return seconds, told, memory, processor


def end_to_end(options):
    with tempfile.TemporaryDirectory(prefix="enb-", dir="/tmp") as folder:
        path = prepared(options.events, folder)
        size = path.stat().st_size
        print(f"{options.events} events, {size / 1e6:.0f} MB, {size / options.events:.0f} bytes an event; one worker")
        rates, raws, zeros = [], [], []
        for number in range(1, options.runs + 1):
            raw = disk_streams(path, folder, options.chunk)
            zero = raw_zeromq(path, folder)
            seconds, told, memory, processor = flow_once(path)
            raws.append(options.events / raw)
            zeros.append(options.events / zero)
            rates.append(options.events / seconds)
            print(f"run {number}: {rates[-1]:,.0f} events/s archived exactly once after fdatasync "
                  f"({seconds:.2f} s from start to exit)")
            print(f"  two write+fdatasync streams of the same bytes, {options.chunk // 1024} KiB a sync: "
                  f"{raws[-1]:,.0f} events/s; ratio {rates[-1] / raws[-1]:.2f}")
            print(f"  raw libzmq over two hops, {BATCH_BYTES // 1024} KiB a message: {zeros[-1]:,.0f} events/s; "
                  f"ratio {rates[-1] / zeros[-1]:.2f}")
            for name in memory:
                print(f"  {name}: {memory[name] / 2**20:.0f} MiB RssAnon at most, "
                      f"{processor[name] * 1e6 / options.events:.2f} CPU s per million events")
        times = sync_times(folder, BATCH_BYTES)
        points = [times[int(len(times) * share)] * 1000 for share in (0.5, 0.9, 0.99)]
        print(f"fdatasync of {BATCH_BYTES // 1024} KiB: p50 {points[0]:.2f} ms, p90 {points[1]:.2f} ms, p99 {points[2]:.2f} ms")
        best = max(rates)
        floor = min(150_000, 0.6 * max(raws))
        print(f"best {best:,.0f} events/s; the goal of the lower of 150,000 and 60 % of the streams is {floor:,.0f}: "
              f"{'met' if best >= floor else 'missed'}")


def enrich(options):
    with tempfile.TemporaryDirectory(prefix="enb-", dir="/tmp") as folder:
        steps(folder)
        path = prepared(options.events, folder)
        for number in range(1, options.runs + 1):
            started = time.monotonic()
            before = os.times()
            with open(os.devnull, "wb") as out:
                subprocess.run([pipeline.BIN / "enlace", "enrich", path, "--seeds", pipeline.SEEDS], stdout=out, check=True)
            seconds = time.monotonic() - started
            after = os.times()
            used = after.children_user + after.children_system - before.children_user - before.children_system
            print(f"run {number}: {options.events / seconds:,.0f} events/s ({seconds:.2f} s, {used:.2f} CPU s), "
                  f"{path.stat().st_size / seconds / 1e6:.0f} MB/s")


def step_feeds(folder):
    """Events for the steps: by coordinates and by words, narratives of 80 to 250 bytes and of 600."""
    texts = []
    for path in (pipeline.SEEDS / "incidents/arizona-sonora.jsonl", pipeline.ROOT / "Tests/Places/places.jsonl"):
        for line in path.read_text(encoding="utf-8").splitlines():
            event = json.loads(line)
            narrative = event.get("event", event).get("narrative")
            if narrative:
                texts.append(narrative)
    usual = [text for text in texts if 80 <= len(text.encode()) <= 250]
    long = []
    for number in range(len(usual)):
        text = ""
        while len(text.encode()) < 600:
            text += ("" if not text else " ") + texts[(number * 7 + len(text)) % len(texts)]
        long.append(text)
    chance = random.Random(5)
    base = {"occurred_at": "2026-10-05T10:00:00-07:00", "station": "nogales", "category": "other", "status": "test"}
    feeds = {}
    for name, narratives, is_stated in (("coordinates, 80-250 bytes", usual, True), ("words, 80-250 bytes", usual, False),
                                        ("words, 600 bytes", long, False)):
        path = pathlib.Path(folder) / f"{len(feeds)}.jsonl"
        with open(path, "w", encoding="utf-8") as out:
            for text in narratives:
                where = {"lat": round(chance.uniform(29, 34), 5), "lon": round(chance.uniform(-117, -98), 5)}
                event = {**base, **({"location": where} if is_stated else {}), "narrative": text}
                out.write(json.dumps(event, ensure_ascii=False) + "\n")
        feeds[name] = path
    return feeds


def steps(folder):
    """Nanoseconds an event by step. With coordinates `place` is geometry, with words it is finding the place."""
    names = ["parse", "place", "text", "rules", "splice"]
    print(f"{'ns an event':28}" + "".join(f"{name:>9}" for name in names) + f"{'all':>9}  allocations an event  start")
    for name, path in step_feeds(folder).items():
        done = subprocess.run([pipeline.BIN / "enlace-measure", path, "--seeds", pipeline.SEEDS], stdout=subprocess.PIPE,
                              check=True)
        told = json.loads(done.stdout)
        print(f"{name:28}" + "".join(f"{told[step + '_ns']:>9,}" for step in names) + f"{told['total_ns']:>9,}"
              f"  {told['splice_allocations']:>20}  {told['start_ms']} ms")


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("what", choices=["end-to-end", "enrich", "backlog"])
    parser.add_argument("--events", type=int, default=None, help="default 1,000,000; for backlog 20,000,000")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--chunk", type=int, default=1 << 20, help="bytes between two fdatasync calls of a raw stream")
    parser.add_argument("--directory", default=tempfile.gettempdir(), help="backlog: where the data lies meanwhile")
    parser.add_argument("--archive-bytes", type=int, default=None,
                        help="backlog: build an archive of this size instead and measure a sink's start on it")
    parser.add_argument("--no-kills", action="store_true", help="backlog: leave out the kills under load")
    options = parser.parse_args()
    if options.events is None:
        options.events = 20_000_000 if options.what == "backlog" else 1_000_000
    if options.events < 1:
        parser.error("--events must be at least 1")
    {"end-to-end": end_to_end, "enrich": enrich, "backlog": backlog.run}[options.what](options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
