"""A pipeline of real processes in directories of its own, for the tests."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("ENLACE_BIN", ROOT / ".build" / "release"))
SEEDS = ROOT / "seeds"


def wait_for(condition, what, seconds=30.0):
    """Waits until the condition holds; fails with what was waited for."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s for {what}")
        time.sleep(0.02)


class Pipeline:
    """`enlace up` and the commands beside it."""

    def __init__(self, *, stations=("nogales",), workers=1, environment=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="enl-", dir="/tmp"))
        self.run_dir = self.folder / "r"
        self.state_dir = self.folder / "s"
        self.archive = self.state_dir / "archive"
        self.stations = stations
        self.workers = workers
        # A crash that a test asks for needs no trace; the tool that prints one would outlive the process.
        self.environment = {"SWIFT_BACKTRACE": "enable=no", **os.environ, **(environment or {})}
        self.up = None
        self.processes = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()
        self.stop()
        if not os.environ.get("ENLACE_KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def directories(self):
        return ["--run-dir", str(self.run_dir), "--state-dir", str(self.state_dir), "--seeds", str(SEEDS)]

    def start(self):
        stations = [word for name in self.stations for word in ("--station", name)]
        self.log = open(self.folder / "up.log", "ab")
        self.up = subprocess.Popen(
            [BIN / "enlace", "up", *self.directories, *stations, "--workers", str(self.workers)],
            stderr=self.log, env=self.environment)
        wait_for(self.is_ready, f"enlace up ({self.folder}/up.log)", 60)
        return self

    def stop(self, seconds=30):
        if self.up is None:
            return 0
        self.up.send_signal(signal.SIGTERM)
        try:
            code = self.up.wait(seconds)
        except subprocess.TimeoutExpired:
            self.up.kill()
            self.up.wait()
            raise AssertionError("enlace up did not stop")
        finally:
            self.up = None
            self.log.close()
        return code

    def supervisor(self):
        try:
            return json.loads((self.run_dir / "status" / "supervisor.json").read_text())
        except (OSError, ValueError):
            return None

    def is_ready(self):
        if self.up is not None and self.up.poll() is not None:
            raise AssertionError(f"enlace up ended: {(self.folder / 'up.log').read_text()}")
        status = self.supervisor()
        return status and status["health"] == "ready"

    def child(self, name):
        """The process number of a running child, or None."""
        for entry in (self.supervisor() or {"children": []})["children"]:
            if entry["name"] == name and entry["ready"]:
                return entry.get("pid")
        return None

    def command(self, *arguments, program="enlace", common=True):
        words = [str(BIN / program), *map(str, arguments)]
        return words + self.directories if common else words

    def run(self, *arguments, program="enlace", common=True, **options):
        options.setdefault("timeout", 120)
        return subprocess.run(
            self.command(*arguments, program=program, common=common), capture_output=True, env=self.environment, **options)

    def popen(self, *arguments, program="enlace", common=True, **options):
        process = subprocess.Popen(self.command(*arguments, program=program, common=common), env=self.environment, **options)
        self.processes.append(process)
        return process

    def archived(self, station=None):
        words = ["archive", "cat", str(self.archive)]
        if station:
            words += ["--station", station]
        done = self.run(*words, common=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    def verify(self):
        done = self.run("archive", "verify", self.archive, "--json", common=False)
        return done.returncode, json.loads(done.stdout)


def results(done):
    """The JSON lines that publish or a producer printed, by station."""
    return {entry["station"]: entry for entry in map(json.loads, done.stdout.splitlines())}


def generate(count, seed, station="nogales"):
    done = subprocess.run(
        [BIN / "enlace", "generate", "--count", str(count), "--seed", str(seed), "--station", station, "--seeds", SEEDS],
        capture_output=True, check=True)
    return done.stdout
