"""What people meet at the command line: help, exit codes, clear refusals, closed pipes."""

import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import pipeline
from pipeline import BIN, ROOT, SEEDS, Pipeline, wait_for


class CommandLine(unittest.TestCase):
    def test_a_full_disk_behind_standard_output_is_no_success(self):
        seeds = str(SEEDS)
        for words in (["enrich", SEEDS / "incidents/arizona-sonora.jsonl", "--seeds", seeds],
                      ["generate", "--count", "2000", "--seed", "1", "--seeds", seeds]):
            with open("/dev/full", "wb") as full:
                done = subprocess.run([BIN / "enlace", *words], stdout=full, stderr=subprocess.PIPE, timeout=60)
            self.assertEqual(done.returncode, 1, words)
            self.assertIn(b"No space left on device", done.stderr)

    def test_every_program_and_command_has_help_with_an_example(self):
        for words in (["enlace-producer"], ["enlace-enricher"], ["enlace-sink"], ["enlace", "up"], ["enlace", "publish"],
                      ["enlace", "enrich"], ["enlace", "explain"], ["enlace", "tail"], ["enlace", "generate"],
                      ["enlace", "archive", "cat"], ["enlace", "show"], ["enlace", "expr"]):
            done = subprocess.run([BIN / words[0], *words[1:], "--help"], capture_output=True, text=True)
            self.assertEqual(done.returncode, 0)
            self.assertIn("Example", done.stdout, words)
        for program in ("enlace", "enlace-producer", "enlace-enricher", "enlace-sink"):
            done = subprocess.run([BIN / program, "--version"], capture_output=True, text=True)
            self.assertRegex(done.stdout, r"^\d+\.\d+\.\d+$")
            self.assertEqual(subprocess.run([BIN / program, "--nonsense"], capture_output=True).returncode, 64)

    def test_generate_gives_the_same_bytes_for_the_same_seed(self):
        made = [pipeline.generate(1000, 7) for _ in range(2)]
        self.assertEqual(made[0], made[1])
        self.assertNotEqual(made[0], pipeline.generate(1000, 8))

    def test_a_closed_pipe_is_quiet(self):
        with tempfile.NamedTemporaryFile() as file:
            file.write(pipeline.generate(50_000, 1))
            file.flush()
            script = f"set -o pipefail; {BIN}/enlace enrich {file.name} --seeds {SEEDS} | head -1 > /dev/null"
            done = subprocess.run(["bash", "-c", script], capture_output=True)
            self.assertEqual((done.returncode, done.stderr), (0, b""))

    def test_enrich_of_nothing_is_nothing(self):
        done = subprocess.run([BIN / "enlace", "enrich", os.devnull, "--seeds", SEEDS], capture_output=True)
        self.assertEqual((done.returncode, done.stdout), (0, b""))
        done = subprocess.run([BIN / "enlace", "enrich", "/no/such/file", "--seeds", SEEDS], capture_output=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"/no/such/file", done.stderr)

    def test_a_setting_that_nobody_knows_is_named(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write("wrokers: 3\n")
            file.flush()
            done = subprocess.run([BIN / "enlace", "status", "--config", file.name], capture_output=True, text=True)
            self.assertEqual(done.returncode, 64)
            self.assertIn("wrokers", done.stderr)
            self.assertIn(file.name, done.stderr)
        done = subprocess.run([BIN / "enlace", "status", "--config", ROOT / "deploy/enlace.yaml", "--run-dir", "/tmp/enl-none"],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_run_directory_too_long_for_ipc_is_refused(self):
        done = subprocess.run([BIN / "enlace", "up", "--run-dir", "/tmp/" + "x" * 120, "--seeds", SEEDS],
                              capture_output=True, text=True, timeout=30)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("may have 100", done.stderr)

    def test_a_second_process_on_one_outbox_archive_or_run_directory_is_refused(self):
        with Pipeline() as flow:
            flow.start()
            for words in (("enlace-producer", "--station", "nogales"), ("enlace-sink",), ("enlace", "up")):
                other = flow.run(*words[1:], program=words[0], timeout=30)
                self.assertNotEqual(other.returncode, 0, words)
                self.assertIn(b"stop it", other.stderr, words)
            self.assertTrue(flow.is_ready())
            status = flow.run("status", "--json")
            self.assertEqual(status.returncode, 0, status.stderr)
            names = {entry["process"].split(".")[0] for entry in json.loads(status.stdout)["processes"]}
            self.assertEqual(names, {"supervisor", "sink", "producer", "enricher"})
            self.assertEqual(flow.stop(), 0)

    def test_an_archive_that_cannot_be_written_is_named(self):
        with Pipeline() as flow:
            blocker = flow.folder / "file"
            blocker.write_text("")
            done = flow.run("--archive", blocker / "archive", program="enlace-sink", timeout=30)
            self.assertEqual(done.returncode, 1)
            self.assertIn(str(blocker).encode(), done.stderr)

    def test_a_producer_without_a_sink_says_what_it_waits_for_and_gives_up_in_time(self):
        with Pipeline() as flow:
            path = flow.folder / "one.jsonl"
            path.write_text('{"occurred_at":"2026-10-05T10:00:00Z","station":"nogales","category":"other"}\n')
            done = flow.run("--station", "nogales", "--input", path, "--timeout", "3", program="enlace-producer")
            self.assertEqual(done.returncode, 75)
            self.assertIn(b"sink", done.stderr)
            self.assertEqual(json.loads(done.stdout)["accepted"], 1)
            lost = flow.run("publish", path, "--timeout", "3", input=b"")
            self.assertEqual(lost.returncode, 75)
            self.assertIn(b"waiting", lost.stderr)

    def test_systemd_units_are_sound(self):
        units = sorted((ROOT / "deploy/systemd").glob("*.service"))
        self.assertEqual(len(units), 3)
        if subprocess.run(["which", "systemd-analyze"], capture_output=True).returncode != 0:
            self.skipTest("no systemd-analyze here")
        with tempfile.TemporaryDirectory() as folder:
            for unit in units:
                name = unit.name.replace("@", "@nogales")
                text = re.sub(r"/usr/bin/(enlace\S*)", rf"{BIN}/\1", unit.read_text())
                (pathlib.Path(folder) / name).write_text(text.replace("file:///usr/share/doc/enlace/operators.md", "man:true(1)"))
                done = subprocess.run(["systemd-analyze", "verify", "--man=no", f"{folder}/{name}"], capture_output=True, text=True)
                self.assertEqual(done.returncode, 0, done.stderr)


class Chaos(unittest.TestCase):
    def test_a_few_kills_lose_and_double_nothing(self):
        done = subprocess.run([ROOT / "scripts/chaos", "--rounds", "4"], capture_output=True, text=True, timeout=300,
                              env={**os.environ, "ENLACE_BIN": str(BIN)})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
