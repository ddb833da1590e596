"""Kills processes of a running pipeline under load, and checks that nothing was lost, doubled or reordered."""

import argparse
import json
import pathlib
import random
import re
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Tests" / "EndToEnd"))

import boxes  # noqa: E402
import pipeline  # noqa: E402

EVENTS_PER_SECOND = 5_000
ID = re.compile(rb'"id":"c-(\d+)"')
SEQUENCE = re.compile(rb'"ingest":\{[^}]*"seq":(\d+)')


class Feed(threading.Thread):
    """Writes numbered events into `enlace publish` at a steady pace until it is told to stop."""

    def __init__(self, flow, out):
        super().__init__(daemon=True)
        lines = pipeline.generate(20_000, 17).splitlines()
        self.bodies = [re.sub(rb'^\{("id":"[^"]*",)?', b"", line) for line in lines]
        self.out = out
        self.count = 0
        self.error = None
        self.must_stop = threading.Event()
        self.publish = flow.popen("publish", "-", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=out)

    def run(self):
        try:
            started = time.monotonic()
            while not self.must_stop.is_set():
                due = int((time.monotonic() - started) * EVENTS_PER_SECOND) - self.count
                if due > 0:
                    self.publish.stdin.write(b"".join(self.line(self.count + index) for index in range(due)))
                    self.publish.stdin.flush()
                    self.count += due
                self.must_stop.wait(0.02)
            self.publish.stdin.close()
        except OSError as error:
            self.error = error

    def line(self, number):
        return b'{"id":"c-%d",%s\n' % (number, self.bodies[number % len(self.bodies)])


def archived_bytes(flow):
    return sum(path.stat().st_size for path in flow.archive.rglob("*.jsonl"))


def one_round(flow, number, rounds, chance):
    children = [entry for entry in flow.supervisor()["children"] if entry.get("pid")]
    victim = chance.choice(children)
    before = archived_bytes(flow)
    pipeline.wait_for(lambda: archived_bytes(flow) > before, "events on their way")
    time.sleep(chance.random() * 0.2)
    pid = flow.child(victim["name"])
    pipeline.wait_for(lambda: flow.child(victim["name"]), f"{victim['name']} to be ready")
    pid = flow.child(victim["name"])
    subprocess.run(["kill", "-9", str(pid)], check=True)
    again = pipeline.wait_for(
        lambda: (now := flow.child(victim["name"])) and now != pid and now, f"{victim['name']} to be started again")
    after = archived_bytes(flow)
    pipeline.wait_for(lambda: archived_bytes(flow) > after, f"events to move on after {victim['name']} was killed")
    print(f"round {number}/{rounds}: killed {victim['name']} ({pid}), again as {again}", flush=True)


def check(flow, count):
    code, report = flow.verify()
    if code != 0:
        raise AssertionError(f"archive verify: {report}")
    numbers, sequences = [], []
    for line in flow.archived():
        numbers.append(int(ID.search(line).group(1)))
        sequences.append(int(SEQUENCE.search(line).group(1)))
    if len(numbers) != len(set(numbers)):
        raise AssertionError(f"{len(numbers) - len(set(numbers))} events are doubled")
    if len(numbers) != count:
        raise AssertionError(f"{count} were published, {len(numbers)} are archived")
    # The producer's order: what it numbered. Requests that were on their way together when it died may have been
    # accepted in another order than they were written.
    if sequences != list(range(1, count + 1)):
        raise AssertionError("the order is not the one in which the producer accepted them")
    moved = sum(1 for before, after in zip(numbers, numbers[1:]) if after != before + 1)
    print(f"{moved} places where retried requests were accepted in another order than they were written")


def storm(options, seed, chance):
    """The same kills under a crowd of gateways."""
    with pipeline.Pipeline(workers=2) as flow:
        flow.start()
        crowd = boxes.Crowd(f"ipc://{flow.run_dir}/producer.nogales.main.gateways", options.gateways, 1 << 30, seed)
        errors = []

        def run():
            try:
                crowd.run(seconds=120 + 30 * options.rounds)
            except BaseException as error:  # noqa: BLE001: told by the main thread
                errors.append(error)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        for number in range(1, options.rounds + 1):
            one_round(flow, number, options.rounds, chance)
        crowd.finish()
        thread.join()
        if errors:
            raise errors[0]
        total = sum(len(box.accepted()) for box in crowd.boxes)
        pipeline.wait_for(lambda: archived_count(flow) >= total, f"{total} events in the archive", 120)
        if flow.stop() != 0:
            raise AssertionError("enlace up did not end with 0")
        code, report = flow.verify()
        if code != 0:
            raise AssertionError(f"archive verify: {report}")
        crowd.check([json.loads(line)["id"] for line in flow.archived()])
        print(f"{crowd.summary()}; {options.rounds} kills: {total} events accepted, each archived exactly once, in its "
              "gateway's order, and every answer to a retry the same as the first")
        crowd.close()
    return 0


def archived_count(flow):
    """How many events the sink says it has."""
    try:
        status = json.loads((flow.run_dir / "status" / "sink.json").read_text())
    except (OSError, ValueError):
        return 0
    return status["counters"].get("next_offset.nogales", 0)


def main():
    parser = argparse.ArgumentParser(prog="scripts/chaos", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="kills, one after the other (default 5)")
    parser.add_argument("--seed", type=int, default=None, help="chooses the victims")
    parser.add_argument("--gateways", type=int, default=0,
                        help="so many gateways over pyzmq instead of enlace publish; they lose answers, resend and reconnect")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    chance = random.Random(seed)
    if options.gateways:
        return storm(options, seed, chance)
    with pipeline.Pipeline(workers=2) as flow:
        flow.start()
        with open(flow.folder / "publish.log", "wb") as out:
            feed = Feed(flow, out)
            feed.start()
            for number in range(1, options.rounds + 1):
                one_round(flow, number, options.rounds, chance)
            feed.must_stop.set()
            told = json.loads(feed.publish.stdout.read())
            feed.publish.wait(60)
            feed.join()
        if feed.error:
            raise feed.error
        if flow.stop() != 0:
            raise AssertionError("enlace up did not end with 0")
        if (told["accepted"], told["rejected"], told["archived"]) != (feed.count, 0, feed.count):
            raise AssertionError(f"{feed.count} were written to enlace publish, which says {told}")
        check(flow, feed.count)
        print(f"{feed.count} events, {options.rounds} kills: each is archived exactly once, in order; publish said {told}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
