"""A backlog in the outbox while the sink is away; its times are for `scripts/bench backlog`, what arrives is for here."""

import os
import subprocess
import sys
import tempfile
import unittest

from pipeline import BIN, ROOT

BENCH = ROOT / "scripts" / "lib" / "bench.py"


class Backlog(unittest.TestCase):
    def bench(self, *words):
        with tempfile.TemporaryDirectory(prefix="enl-", dir="/tmp") as folder:
            done = subprocess.run([sys.executable, BENCH, "backlog", "--directory", folder, *words], capture_output=True,
                                  text=True, timeout=600, env={**os.environ, "ENLACE_BIN": str(BIN)})
            self.assertEqual(os.listdir(folder), [], "the data is cleaned up")
            return done

    def test_all_of_it_drains_into_the_archive_when_the_sink_comes_and_after_kills(self):
        done = self.bench("--events", "200000")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("every event is archived exactly once", done.stdout)
        for name in ("producer.nogales", "sink", "enricher.nogales"):
            self.assertIn(f"kill -9 of {name}", done.stdout)

    def test_a_sink_starts_on_the_archive_that_was_built(self):
        done = self.bench("--archive-bytes", "100000000")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.count("is ready"), 2, done.stdout)

    def test_a_disk_that_is_too_small_is_named_before_anything_is_written(self):
        done = self.bench("--events", "1000000000000")
        self.assertEqual(done.returncode, 1)
        self.assertIn("choose fewer --events or another --directory", done.stderr)


if __name__ == "__main__":
    unittest.main()
