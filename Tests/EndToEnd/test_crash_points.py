"""Processes that die at named points: a handful of them under load, the refusal of a name, and the list in the docs."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from pipeline import BIN, ROOT

sys.path.insert(0, str(ROOT / "scripts" / "lib"))

import crash_points  # noqa: E402


class CrashPoints(unittest.TestCase):
    def chaos(self, *arguments):
        done = subprocess.run([ROOT / "scripts/chaos", "--crash-points", *arguments], capture_output=True, text=True,
                              timeout=300, env={**os.environ, "ENLACE_BIN": str(BIN)})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_a_handful_of_points_once_and_twice_lose_and_double_nothing(self):
        points = ("producer.outbox.commit.after", "producer.reject.write.middle", "enricher.forward.after",
                  "sink.archive.data.write.middle", "sink.archive.sync.after", "sink.archive.manifest.rename.before",
                  "sink.recovery.copy.rename.after")
        said = self.chaos("--points", ",".join(points), "--tails", "1")
        for point in points:
            self.assertIn(f"{point}: once and twice", said)

    def test_an_archive_put_back_and_a_file_read_again_survive_a_death_at_the_worst_moment(self):
        crash_points.run_older_archive("sink.gap.record.after", 1)
        crash_points.run_input_file("producer.input.commit.after", 1)

    def test_an_unknown_name_is_refused_with_those_that_are_known(self):
        known = crash_points.known_points()
        self.assertGreater(len(known), 40)
        for program in ("enlace-producer", "enlace-enricher", "enlace-sink"):
            words = [BIN / program] + ([] if program == "enlace-sink" else ["--station", "nogales"])
            done = subprocess.run(words, capture_output=True, text=True, timeout=30,
                                  env={**os.environ, "ENLACE_CRASH_POINTS": "sink.commit.befor"})
            self.assertEqual(done.returncode, 64, done.stderr)
            self.assertIn("ENLACE_CRASH_POINTS", done.stderr)
            for name in known:
                self.assertIn(name, done.stderr)

    def test_a_token_is_used_once_and_the_way_to_die_is_the_one_that_was_asked_for(self):
        for action, signal in (("kill", 9), ("segv", 11), ("abort", 6)):
            with tempfile.TemporaryDirectory(prefix="enl-", dir="/tmp") as folder:
                tokens = pathlib.Path(folder) / "tokens"
                tokens.mkdir()
                words = [BIN / "enlace-sink", "--run-dir", f"{folder}/r", "--state-dir", f"{folder}/s", "--supervised"]
                point = "sink.archive.meta.rename.before"
                environment = {**os.environ, "SWIFT_BACKTRACE": "enable=no", "ENLACE_CRASH_POINTS": f"{point}={action}",
                               "ENLACE_CRASH_DIRECTORY": str(tokens)}
                first = subprocess.run(words, capture_output=True, stdin=subprocess.DEVNULL, env=environment, timeout=30)
                self.assertEqual(first.returncode, -signal, first.stderr)
                self.assertEqual([path.name for path in tokens.iterdir()], [f"{point}.1"])
                again = subprocess.run(words, capture_output=True, stdin=subprocess.DEVNULL, env=environment, timeout=30)
                self.assertEqual(again.returncode, 0, again.stderr)

    def test_the_docs_list_the_points_of_the_code(self):
        text = (ROOT / "docs/testing.md").read_text(encoding="utf-8")
        listed = re.findall(r"^\| `((?:producer|enricher|sink)\.[a-z.]+)` \|", text, re.MULTILINE)
        self.assertEqual(listed, crash_points.known_points())


if __name__ == "__main__":
    unittest.main()
