"""Crash points of the real processes: which there are, how one is set off, and the scenarios that reach the rare ones."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

import pipeline

EVENT = b'{"id":"%s-%d","occurred_at":"2026-10-05T10:00:00Z","station":"nogales","category":"sensor.ground"}\n'
# How often in a row a point can be set off.
REPEATS = 2
# Points that a process passes only at its start, and which child that is.
STARTERS = {"producer.outbox.open.": "producer.nogales", "sink.recovery.": "sink"}


def known_points():
    """The names in the code: whoever asks for one that is not there is told all of them."""
    done = subprocess.run([pipeline.BIN / "enlace", "status"], capture_output=True, text=True,
                          env={**os.environ, "ENLACE_CRASH_POINTS": "?"})
    if done.returncode != 64:
        raise AssertionError(f"an unknown crash point was not refused: {done.returncode} {done.stderr}")
    words = done.stderr.split("there are ", 1)[1].split(" and ", 1)[0]
    return words.split(", ")


def starter_of(point):
    """The child that has to be started for a point; None for one that events reach."""
    return next((child for prefix, child in STARTERS.items() if point.startswith(prefix)), None)


class Tokens:
    """All points are armed in all processes, and have used up their tokens: taking a token away sets a point off."""

    def __init__(self, folder, points):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        self.points = points
        for point in points:
            self.use_up(point)

    def environment(self, order=lambda point: ""):
        """The variables; `order` may add an action and a first hit to a point."""
        words = []
        for point in self.points:
            action, nth = (order(point) or "kill@1").split("@")
            words.append(f"{point}={action}*{REPEATS}@{nth}")
        return {"ENLACE_CRASH_POINTS": ",".join(words), "ENLACE_CRASH_DIRECTORY": str(self.folder)}

    def paths(self, point):
        return [self.folder / f"{point}.{number}" for number in range(1, REPEATS + 1)]

    def use_up(self, point):
        for path in self.paths(point):
            path.touch()

    def set_off(self, point, times):
        for path in reversed(self.paths(point)[:times]):
            path.unlink()

    def are_used_up(self, point):
        return all(path.exists() for path in self.paths(point))


def committed(flow, station="nogales"):
    """The offset below which everything of the station is on the archive's disk."""
    try:
        mark = (flow.archive / f"station={station}" / "committed").read_bytes()
    except OSError:
        return 0
    return int.from_bytes(mark[8:16], "little")


def write_events(path, prefix, count):
    path.write_bytes(b"".join(EVENT % (prefix.encode(), number) for number in range(count)))
    return [f"{prefix}-{number}" for number in range(count)]


def archived(flow):
    return [json.loads(line) for line in flow.archived()]


def expect_sound(flow):
    code, report = flow.verify()
    if code != 0:
        raise AssertionError(f"archive verify: {report}")
    return report


def expect_used(tokens, point):
    if not tokens.are_used_up(point):
        raise AssertionError(f"{point} was not reached")


def publish(flow, path):
    done = flow.run("publish", path)
    if done.returncode != 0:
        raise AssertionError(f"enlace publish: {done.returncode} {done.stderr.decode()}")
    return pipeline.results(done)["nogales"]


def run_new_archive(point, times):
    """The sink dies while it makes an archive, and makes it all the same."""
    with pipeline.Pipeline() as flow:
        tokens = Tokens(flow.folder / "crash", [point])
        flow.environment.update(tokens.environment())
        tokens.set_off(point, times)
        flow.start()
        expect_used(tokens, point)
        ids = write_events(flow.folder / "events.jsonl", "n", 50)
        publish(flow, flow.folder / "events.jsonl")
        expect_stop(flow)
        expect_sound(flow)
        if [event["id"] for event in archived(flow)] != ids:
            raise AssertionError(f"{point}: the archive does not hold the 50 events")


def run_older_archive(point, times):
    """The sink dies while it records what an older copy of the archive lacks, and records it once."""
    with pipeline.Pipeline() as flow:
        tokens = Tokens(flow.folder / "crash", [point])
        flow.environment.update(tokens.environment())
        parts = []
        for number in range(3):
            path = flow.folder / f"{number}.jsonl"
            parts.append(write_events(path, f"g{number}", 200))
            if number == 2:
                tokens.set_off(point, times)
            flow.start()
            publish(flow, path)
            expect_stop(flow)
            if number == 0:
                shutil.copytree(flow.archive, flow.folder / "older")
            if number == 1:
                shutil.rmtree(flow.archive)
                shutil.copytree(flow.folder / "older", flow.archive)
        expect_used(tokens, point)
        report = expect_sound(flow)
        events = archived(flow)
        if [event["id"] for event in events] != parts[0] + parts[2]:
            raise AssertionError(f"{point}: the archive does not hold what came before and behind the gap: {report}")
        if [event["ingest"]["seq"] for event in events] != [*range(1, 201), *range(401, 601)]:
            raise AssertionError(f"{point}: the gap is not where it was: {report}")
        gaps = [gap for gap in report.get("gaps", [])]
        if len(gaps) != 1:
            raise AssertionError(f"{point}: one gap was to be recorded: {report}")


def run_input_file(point, times):
    """A producer dies while it reads a file, and goes on where it was."""
    with pipeline.Pipeline() as flow:
        flow.start()
        tokens = Tokens(flow.folder / "crash", [point])
        path = flow.folder / "events.jsonl"
        ids = write_events(path, "i", 20_000)
        environment = {**flow.environment, **tokens.environment(lambda _: "kill@2")}
        words = flow.command("--station", "nogales", "--name", "file", "--input", path, program="enlace-producer")
        tokens.set_off(point, times)
        deaths = 0
        while True:
            done = subprocess.run(words, capture_output=True, env=environment, timeout=60)
            if done.returncode != -signal.SIGKILL:
                break
            deaths += 1
        if (done.returncode, deaths) != (0, times):
            raise AssertionError(f"{point}: {deaths} deaths, then {done.returncode}: {done.stderr.decode()}")
        expect_stop(flow)
        expect_sound(flow)
        if [event["id"] for event in archived(flow)] != ids:
            raise AssertionError(f"{point}: the archive does not hold the file's events once and in order")


def expect_stop(flow):
    if flow.stop() != 0:
        raise AssertionError("enlace up did not end with 0")


# Points that events under load do not reach: how each is, and what that takes.
SCENARIOS = {
    "sink.archive.meta.": (run_new_archive, "a new archive"),
    "sink.gap.": (run_older_archive, "an older copy of the archive"),
    "producer.input.": (run_input_file, "a producer that reads a file"),
}


# When one of these is passed, what led to it is done: a second death there takes a second archive.
PASSED_ONCE = ("sink.archive.meta.rename.after", "sink.gap.record.after")


def times_of(point):
    """How often in a row a scenario sets its point off, run by run."""
    return (1, 1) if point in PASSED_ONCE else (1, REPEATS)


def scenario_of(point):
    return next((scenario for prefix, scenario in SCENARIOS.items() if point.startswith(prefix)), None)
