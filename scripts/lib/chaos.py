"""Kills processes of a running pipeline under load, and checks that nothing was lost, doubled or reordered."""

import argparse
import json
import os
import pathlib
import random
import signal
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Tests" / "EndToEnd"))

import boxes  # noqa: E402
import chaos_watch as watch  # noqa: E402
import crash_points  # noqa: E402
import pipeline  # noqa: E402

EVENTS_PER_SECOND = 5_000
# With crash points the archive is read again and again, and a run is long.
EVENTS_PER_SECOND_BETWEEN_CRASHES = 600
# Small, so that segments are closed all the time.
SEGMENT_BYTES = 256 * 1024
BAD_EVERY = 50
# How long a point may take to be reached, and how long events may stand still behind a death.
REACH_SECONDS = 8
FLOW_SECONDS = 10
# How often a process is killed for a point that it passes at its start.
KILLS_A_POINT = 4
# The supervisor waits longer before each restart in a row; a new one does not.
RESTARTS_A_SUPERVISOR = 4


class Run:
    """A pipeline under load, and the ways to hurt it."""

    def __init__(self, flow, options, points, chance):
        self.flow = flow
        self.chance = chance
        self.is_random = bool(options.rounds)
        self.points = points
        self.tokens = crash_points.Tokens(flow.folder / "crash", points) if points else None
        self.slowest = 0.0

    def start(self):
        if self.tokens:
            order = self.random_order if self.is_random else (lambda _: "")
            self.flow.environment.update(self.tokens.environment(order))
        self.flow.start()

    def random_order(self, point):
        nth = 1 if crash_points.starter_of(point) else self.chance.choice((1, 1, 2, 3))
        return f"{self.chance.choice(('kill', 'kill', 'segv', 'abort'))}@{nth}"

    def refresh(self):
        """Starts `enlace up` again when children have died too often to come back at once."""
        restarts = [entry["restarts"] for entry in self.flow.supervisor()["children"]]
        if max(restarts) < RESTARTS_A_SUPERVISOR:
            return
        crash_points.expect_stop(self.flow)
        self.start()

    def pid(self, name):
        """The number of a child that is at work now; the supervisor's word may be half a second old."""
        pid = self.flow.child(name)
        try:
            words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return None
        return pid if str(self.flow.run_dir).encode() in words else None

    def kill(self, name):
        pid = pipeline.wait_for(lambda: self.pid(name), f"{name} to be ready")
        os.kill(pid, signal.SIGKILL)
        return pid

    def flows(self, what):
        """Waits until more is committed; returns how long that took."""
        started = time.monotonic()
        before = crash_points.committed(self.flow)
        pipeline.wait_for(lambda: crash_points.committed(self.flow) > before, f"events to move on after {what}",
                          FLOW_SECONDS)
        self.slowest = max(self.slowest, time.monotonic() - started)
        return time.monotonic() - started

    def kill_round(self):
        children = [entry["name"] for entry in self.flow.supervisor()["children"]]
        victim = self.chance.choice(children)
        self.flows("a quiet moment")
        time.sleep(self.chance.random() * 0.2)
        pid = self.kill(victim)
        again = pipeline.wait_for(
            lambda: (now := self.pid(victim)) and now != pid and now, f"{victim} to be started again")
        self.flows(f"{victim} was killed")
        return f"killed {victim} ({pid}), again as {again}"

    def crash(self, point, times):
        """Sets a point off; None when nothing passed it."""
        self.tokens.set_off(point, times)
        starter = crash_points.starter_of(point)
        for attempt in range(KILLS_A_POINT):
            # A start has nothing to recover when the last segment was closed just before.
            if attempt > 0:
                self.flows(f"{starter} was killed")
            pid = self.kill(starter) if starter else None
            try:
                pipeline.wait_for(lambda: self.tokens.are_used_up(point) or pid and self.pid(starter) not in (pid, None),
                                  point, REACH_SECONDS)
            except AssertionError:
                break
            if self.tokens.are_used_up(point):
                return self.flows(f"{point}, {times} in a row")
        self.tokens.use_up(point)
        return None


def every_point(run):
    """Each point once and then twice in a row; returns those that nothing passed."""
    missed = []
    for number, point in enumerate(run.points, 1):
        took = []
        started = time.monotonic()
        for times in (1, 2):
            run.refresh()
            took.append(run.crash(point, times))
        if None in took:
            missed.append(point)
            print(f"point {number}/{len(run.points)}: {point}: not reached", flush=True)
            continue
        print(f"point {number}/{len(run.points)}: {point}: once and twice, events moved on after "
              f"{took[0]:.2f} and {took[1]:.2f} s, {time.monotonic() - started:.1f} s in all", flush=True)
    return missed


def random_rounds(run, rounds):
    for number in range(1, rounds + 1):
        started = time.monotonic()
        if run.points:
            run.refresh()
        if run.points and run.chance.random() < 0.7:
            point, times = run.chance.choice(run.points), run.chance.choice((1, 1, 2))
            time.sleep(run.chance.random() * 0.2)
            took = run.crash(point, times)
            if took is None:
                raise AssertionError(f"{point} was not reached")
            words = f"{point} {times}x, events moved on after {took:.2f} s"
        else:
            words = run.kill_round()
        print(f"round {number}/{rounds}: {words}, {time.monotonic() - started:.1f} s in all", flush=True)


def under_load(options, points, chance):
    """Kills under load and checks the promises."""
    environment = {"ENLACE_SEGMENT_BYTES": str(SEGMENT_BYTES)} if points else {}
    with pipeline.Pipeline(workers=2, environment=environment) as flow:
        run = Run(flow, options, points, chance)
        run.start()
        with open(flow.folder / "publish.log", "wb") as out:
            feed = watch.Feed(
                flow, out, per_second=EVENTS_PER_SECOND_BETWEEN_CRASHES if points else EVENTS_PER_SECOND,
                bad_every=BAD_EVERY if points else 0)
            feed.start()
            subscriber = watch.Subscriber(flow)
            subscriber.start()
            tails = [watch.Tail(flow, number) for number in range(options.tails)]
            pipeline.wait_for(lambda: crash_points.committed(flow) > 0, "the first events")
            missed = every_point(run) if points and not options.rounds else []
            random_rounds(run, options.rounds)
            told = feed.finish()
        good = feed.count - feed.bad
        for tail in tails:
            tail.finish(good)
        subscriber.finish()
        watch.check_told(told, feed)
        crash_points.expect_stop(flow)
        digests = watch.check_archive(flow, feed)
        watch.check_rejects(flow, feed)
        subscriber.check(digests)
        for tail in tails:
            tail.check(digests)
        watch.check_audit(flow)
        print(f"{good} events and {feed.bad} bad ones: each is archived or among the rejects exactly once, in order; "
              f"{len(subscriber.seen)} were seen live, all of them kept; {len(tails)} tails saw every one; "
              f"the longest wait was {run.slowest:.2f} s; publish said {told}")
        return missed


def storm(options, seed, chance):
    """The same kills under a crowd of gateways."""
    with pipeline.Pipeline(workers=2) as flow:
        hurt = Run(flow, options, [], chance)
        hurt.start()
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
            print(f"round {number}/{options.rounds}: {hurt.kill_round()}", flush=True)
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
    parser.add_argument("--rounds", type=int, default=None, help="kills, one after the other (default 5)")
    parser.add_argument("--crash-points", action="store_true",
                        help="each named point once and twice; with --rounds some of them at random between the kills")
    parser.add_argument("--points", default="", help="only those whose names begin so, with commas between")
    parser.add_argument("--tails", type=int, default=0, help="live tails that must see every event once, in order")
    parser.add_argument("--seed", type=int, default=None, help="chooses the victims")
    parser.add_argument("--gateways", type=int, default=0,
                        help="so many gateways over pyzmq instead of enlace publish; they lose answers, resend and reconnect")
    options = parser.parse_args()
    if options.rounds is None:
        options.rounds = 0 if options.crash_points else 5
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    if options.gateways:
        return storm(options, seed, random.Random(seed))
    started = time.monotonic()
    points = crash_points.known_points() if options.crash_points else []
    if options.points:
        points = [point for point in points if point.startswith(tuple(options.points.split(",")))]
    apart = [point for point in points if crash_points.scenario_of(point)]
    missed = []
    if not options.crash_points or len(apart) < len(points):
        missed = under_load(options, [point for point in points if point not in apart], random.Random(seed))
    if not options.rounds:
        for point in apart:
            run, need = crash_points.scenario_of(point)
            before = time.monotonic()
            for times in crash_points.times_of(point):
                run(point, times)
            print(f"{point}: once and twice, with {need}, {time.monotonic() - before:.1f} s in all", flush=True)
    if missed:
        print(f"not reached: {', '.join(missed)}", file=sys.stderr)
        return 1
    if options.crash_points:
        print(f"{time.monotonic() - started:.0f} s in all")
    return 0


if __name__ == "__main__":
    sys.exit(main())
