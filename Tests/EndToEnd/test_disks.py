"""Full, read-only and broken disks: small filesystems of their own, and calls that are made to fail."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import unittest

from gateway_box import EVENT, Box
from pipeline import BIN, SEEDS, Pipeline, wait_for
from small_disk import Faults, SmallDisk

TEXT = "near the fence west of the port, "


class DiskPipeline(Pipeline):
    """A pipeline whose outbox, archive, or both are on a small disk."""

    def __init__(self, *, outbox=None, archive=None, environment=None, **options):
        super().__init__(environment=environment, **options)
        if outbox:
            self.state_dir = outbox.path / "s"
        self.archive = (archive.path if archive else self.folder) / "archive"
        self.environment["ENLACE_ARCHIVE_DIR"] = str(self.archive)

    def said(self):
        return (self.folder / "up.log").read_text()

    def status(self, name):
        try:
            return json.loads((self.run_dir / "status" / f"{name}.json").read_text())
        except (OSError, ValueError):
            return {"reason": "", "health": "", "counters": {}}

    def restarts(self, name):
        return next(entry["restarts"] for entry in self.supervisor()["children"] if entry["name"] == name)

    def kill(self, name, number=signal.SIGKILL):
        process = wait_for(lambda: self.child(name), name)
        os.kill(process, number)
        return process


class Disks(unittest.TestCase):
    def setUp(self):
        self.count = 0

    def names(self, count=200):
        self.count += count
        return [f"e-{number}" for number in range(self.count - count, self.count)]

    def drained(self, box, seconds=120):
        wait_for(lambda: box.archived_through() == len(box.sent), "all that was accepted to be archived", seconds)

    def finish(self, flow, box):
        """All that was accepted is archived once and in order, and the archive is sound."""
        box.send(self.names())
        self.drained(box)
        box.close()
        self.assertEqual(flow.stop(), 0)
        lines = [json.loads(line) for line in flow.archived()]
        self.assertEqual([line["id"] for line in lines], box.sent)
        self.assertEqual([line["ingest"]["seq"] for line in lines], list(range(1, len(lines) + 1)))
        code, report = flow.verify()
        self.assertEqual(code, 0, report)

    def refused(self, box, names):
        """Offers the same events until they are refused; says why they were."""
        def answer():
            told = box.offer(names[0])
            if told["status"] == "accepted":
                names[0] = self.names()
                return None
            return told

        told = wait_for(answer, "a refusal", 60)
        self.assertEqual((told["status"], told["retry"]), ("unavailable", True), told)
        return told["reason"]


class FullOutbox(Disks):
    def fill_and_free(self, kind):
        with SmallDisk(kind, 48) as disk, DiskPipeline(outbox=disk) as flow:
            flow.start()
            box = Box(flow, narrative=TEXT * 20)
            box.send(self.names())
            self.drained(box)
            # A backlog, so that the archive's commits meet the full disk too.
            worker = flow.kill("enricher.nogales.1", signal.SIGSTOP)
            for _ in range(20):
                box.send(self.names())
            disk.fill()
            names = [self.names()]
            reason = self.refused(box, names)
            self.assertIn("too full", reason)
            self.assertIn("free some space", reason)
            wait_for(lambda: "too full" in flow.status("producer.nogales.main")["reason"], "the words in the status")
            os.kill(worker, signal.SIGCONT)
            self.drained(box)
            self.assertEqual(flow.restarts("producer.nogales"), 0, flow.said()[-3000:])
            self.assertEqual(box.offer(names[0])["status"], "unavailable")
            disk.free()
            box.send(names[0])
            wait_for(lambda: flow.status("producer.nogales.main")["reason"] == "", "a status without trouble")
            self.finish(flow, box)

    def test_tmpfs(self):
        self.fill_and_free("tmpfs")

    def test_ext4(self):
        self.fill_and_free("ext4")

    def test_a_producer_that_dies_while_the_disk_is_full_comes_back_by_itself(self):
        with SmallDisk("ext4", 48) as disk, DiskPipeline(outbox=disk) as flow:
            flow.start()
            box = Box(flow, narrative=TEXT * 20)
            worker = flow.kill("enricher.nogales.1", signal.SIGSTOP)
            for _ in range(20):
                box.send(self.names())
            disk.fill()
            for _ in range(4):
                restarts = flow.restarts("producer.nogales")
                flow.kill("producer.nogales")
                wait_for(lambda: flow.restarts("producer.nogales") > restarts, "a restart")
                if wait_for(lambda: flow.child("producer.nogales") or "too full" in flow.said(), "words") is True:
                    break
            disk.free()
            os.kill(worker, signal.SIGCONT)
            self.finish(flow, box)

    def test_a_new_producer_on_a_full_disk_says_so_and_is_to_be_tried_again(self):
        for kind in ("tmpfs", "ext4"):
            with SmallDisk(kind, 32) as disk:
                disk.fill()
                words = [BIN / "enlace-producer", "--station", "nogales", "--run-dir", f"{disk.folder}/r", "--state-dir",
                         f"{disk.path}/s", "--seeds", SEEDS]
                done = subprocess.run(words, capture_output=True, text=True, timeout=60)
                self.assertEqual(done.returncode, 75, done.stderr)
                self.assertIn("too full", done.stderr)


class FullArchive(Disks):
    """Segments are so small that rotation, hashes and manifests meet the full disk too."""

    small = {"ENLACE_SEGMENT_BYTES": str(256 * 1024)}

    def pour_until_the_sink_waits(self, flow, box, disk):
        disk.fill(leave=600 * 1024)
        def waits():
            self.assertEqual(box.offer(self.names())["status"], "accepted")
            return "archive" in flow.status("sink")["reason"] and flow.status("sink")
        status = wait_for(waits, "the sink to say what it waits for", 60)
        self.assertEqual(status["health"], "waiting")
        self.assertIn("No space left on device", status["reason"])

    def fill_and_free(self, kind):
        with SmallDisk(kind, 48) as disk, DiskPipeline(archive=disk, environment=self.small) as flow:
            flow.start()
            box = Box(flow)
            for _ in range(10):
                box.send(self.names())
            self.drained(box)
            for _ in range(2):
                self.pour_until_the_sink_waits(flow, box, disk)
                for _ in range(20):
                    self.assertEqual(box.offer(self.names())["status"], "accepted")
                self.assertIn("full", self.refusal_of_status(flow))
                disk.free()
                self.drained(box)
                wait_for(lambda: flow.status("sink")["health"] == "ready", "a sink without trouble")
            self.assertEqual(flow.restarts("sink"), 0, flow.said()[-3000:])
            self.finish(flow, box)

    def refusal_of_status(self, flow):
        """What `enlace status` tells people."""
        done = flow.run("status")
        return (done.stdout + done.stderr).decode().replace("No space left on device", "full")

    def test_tmpfs(self):
        self.fill_and_free("tmpfs")

    def test_ext4(self):
        self.fill_and_free("ext4")

    def test_little_room_is_used_up_before_anything_waits(self):
        """Room that is asked for ahead must not take what the index needs."""
        with SmallDisk("ext4", 48) as disk, DiskPipeline(archive=disk) as flow:
            flow.start()
            disk.fill(leave=8 << 20)
            box = Box(flow)
            for _ in range(20):
                box.send(self.names())
            self.drained(box, 60)
            self.finish(flow, box)

    def killed_while_full(self, kind):
        with SmallDisk(kind, 48) as disk, DiskPipeline(archive=disk) as flow:
            flow.start()
            box = Box(flow, narrative=TEXT * 20)
            # An open segment that is larger than what will be left.
            for _ in range(40):
                box.send(self.names())
            self.drained(box)
            disk.fill(leave=600 * 1024)
            def waits():
                box.offer(self.names())
                return "No space left" in flow.status("sink")["reason"]
            wait_for(waits, "the sink to say what it waits for", 60)
            disk.fill()
            restarts = flow.restarts("sink")
            flow.kill("sink")
            wait_for(lambda: flow.restarts("sink") >= restarts + 7, "restarts of the sink", 90)
            self.assertEqual(box.offer(self.names())["status"], "accepted")
            told = flow.said().splitlines()
            self.assertTrue(any("No space left on device" in line and str(flow.archive) in line for line in told))
            self.assertTrue(any("sink ended" in line and "75" in line for line in told), flow.said()[-3000:])
            # A try that failed leaves nothing behind that takes room from others.
            self.assertEqual([path for path in flow.archive.rglob("*.tmp*")], [])
            disk.free()
            self.drained(box)
            self.finish(flow, box)

    def test_a_sink_killed_while_the_disk_is_full_comes_back_by_itself_on_tmpfs(self):
        self.killed_while_full("tmpfs")

    def test_a_sink_killed_while_the_disk_is_full_comes_back_by_itself_on_ext4(self):
        self.killed_while_full("ext4")

    def test_a_new_sink_on_a_full_disk_is_to_be_tried_again(self):
        with SmallDisk("ext4", 32) as disk:
            disk.fill()
            words = [BIN / "enlace-sink", "--run-dir", f"{disk.folder}/r", "--archive", f"{disk.path}/a/b/c"]
            done = subprocess.run(words, capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 75, done.stderr)
            self.assertIn("No space left on device", done.stderr)


class OneDisk(Disks):
    def test_the_reserve_refuses_before_the_sink_starves(self):
        for kind in ("tmpfs", "ext4"):
            with self.subTest(kind), SmallDisk(kind, 64) as disk:
                self.setUp()
                with DiskPipeline(outbox=disk, archive=disk, environment=FullArchive.small) as flow:
                    flow.start()
                    box = Box(flow)
                    box.send(self.names())
                    disk.fill(leave=24 << 20)
                    names = [self.names()]
                    self.assertIn("too full", self.refused(box, names))
                    # Everything that was accepted finds its room.
                    self.drained(box)
                    self.assertEqual(flow.status("sink")["counters"]["dropped_batches"], 0)
                    disk.free()
                    box.send(names[0])
                    self.finish(flow, box)


class ReadOnly(Disks):
    def turned_read_only(self, *, outbox):
        with SmallDisk("ext4", 48) as disk:
            place = {"outbox": disk} if outbox else {"archive": disk}
            with DiskPipeline(**place, environment=FullArchive.small) as flow:
                flow.start()
                box = Box(flow)
                for _ in range(10):
                    box.send(self.names())
                self.drained(box)
                name = "producer.nogales" if outbox else "sink"
                restarts = flow.restarts(name)
                disk.turn_read_only()
                names = self.names()
                if outbox:
                    # Unanswered for as long as the disk cannot be written.
                    box.socket.send_multipart([b"ENLACE1", json.dumps(
                        {"gateway": "box", "request": box.number + 1, "lowest": box.number + 1}).encode(), b"{}"])
                else:
                    box.send(names)
                wait_for(lambda: flow.restarts(name) >= restarts + 6, f"restarts of {name}", 60)
                self.assertIn("Read-only file system", flow.said())
                self.assertIsNone(flow.up.poll())
                disk.turn_writable()
                if outbox:
                    box.close()
                    box.connect()
                    wait_for(lambda: flow.child(name), name, 60)
                    # The number that was asked for with nonsense is answered, for ever, with what became of that.
                    first = box.offer(names)
                    if first["status"] == "refused":
                        box.number += 1
                        box.send(names)
                self.drained(box)
                self.finish(flow, box)

    def test_a_sink_on_a_disk_that_turns_read_only_says_so_and_comes_back(self):
        self.turned_read_only(outbox=False)

    def test_a_producer_on_a_disk_that_turns_read_only_says_so_and_comes_back(self):
        self.turned_read_only(outbox=True)

    def test_a_start_on_a_read_only_disk_is_an_error_in_words(self):
        with SmallDisk("ext4", 32) as disk:
            disk.unmount()
            self.assertEqual(disk.mount("ro").returncode, 0)
            common = ["--run-dir", f"{disk.folder}/r", "--state-dir", f"{disk.path}/s", "--seeds", str(SEEDS)]
            programs = (["enlace-sink"], ["enlace-producer", "--station", "nogales"], ["enlace", "up", "--station", "nogales"])
            for program in programs:
                done = subprocess.run([BIN / program[0], *program[1:], *common], capture_output=True, text=True, timeout=60)
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn("Read-only file system", done.stderr)
                self.assertIn(str(disk.path), done.stderr)

    def test_an_existing_archive_and_outbox_on_a_read_only_disk(self):
        with SmallDisk("ext4", 48) as disk:
            with DiskPipeline(outbox=disk, archive=disk) as flow:
                flow.start()
                box = Box(flow)
                box.send(self.names())
                self.drained(box)
                box.close()
                self.assertEqual(flow.stop(), 0)
                disk.unmount()
                self.assertEqual(disk.mount("ro").returncode, 0)
                for program, words in (("enlace-sink", ["--archive", flow.archive]),
                                       ("enlace-producer", ["--station", "nogales"])):
                    done = flow.run(*words, program=program)
                    self.assertEqual(done.returncode, 1, done.stderr)
                    self.assertIn(b"Read-only file system", done.stderr)
                # What is there can still be read and checked.
                self.assertEqual(len(flow.archived()), len(box.sent))
                self.assertEqual(flow.verify()[0], 0)


class BrokenDisk(Disks):
    """Calls that fail with EIO although there is room."""

    def broken(self, name, *faults, words="Input/output error", restarts=2):
        with Pipeline() as scratch:
            shim = Faults(scratch.folder)
            with DiskPipeline(environment={**FullArchive.small, **shim.environment}) as flow:
                flow.start()
                box = Box(flow)
                for _ in range(5):
                    box.send(self.names())
                self.drained(box)
                before = flow.restarts(name)
                shim.set(*faults)
                names = self.names()
                if name == "sink":
                    box.send(names)
                else:
                    self.send_into_the_void(box, names)
                wait_for(lambda: flow.restarts(name) >= before + restarts, f"restarts of {name}", 60)
                self.assertGreater(shim.hits, 0)
                self.assertIn(words, flow.said())
                shim.clear()
                if name != "sink":
                    box.send(names)
                self.drained(box)
                self.finish(flow, box)

    def send_into_the_void(self, box, names):
        """Asks without waiting for the answer; the same request comes again later."""
        events = [(EVENT % (name, box.station, box.rest)).encode() for name in names]
        head = {"gateway": box.name, "request": box.number + 1, "lowest": box.number + 1}
        box.socket.send_multipart([b"ENLACE1", json.dumps(head).encode(), *events])

    def test_a_sync_of_the_archive_that_fails(self):
        self.broken("sink", ("fdatasync,fsync", "EIO", "/archive/"), restarts=5)

    def test_a_sync_of_the_archive_that_fails_once(self):
        self.broken("sink", ("fdatasync", "EIO", ".jsonl"), restarts=1)

    def test_a_write_of_lines_that_fails(self):
        self.broken("sink", ("pwrite", "EIO", ".jsonl"))

    def test_a_write_of_the_index_that_fails(self):
        self.broken("sink", ("pwrite", "EIO", ".idx"))

    def test_a_sync_that_finds_the_disk_full(self):
        self.broken("sink", ("fdatasync", "ENOSPC", "/archive/"), words="No space left on device", restarts=1)

    def test_a_sync_of_the_outbox_that_fails(self):
        self.broken("producer.nogales", ("fdatasync,fsync", "EIO", "/outbox/"), restarts=5)

    def test_a_write_of_the_outbox_that_fails(self):
        self.broken("producer.nogales", ("pwrite,write", "EIO", "/outbox/"))


class Namespace(unittest.TestCase):
    @unittest.skipIf(os.geteuid() == 0, "mounts as root already")
    def test_all_of_it_in_a_namespace_that_may_mount(self):
        try:
            tried = subprocess.run(["unshare", "-rm", "true"], capture_output=True, text=True)
        except OSError as error:
            self.skipTest(f"unshare is not there: {error}")
        if tried.returncode != 0:
            self.skipTest(f"unshare -rm does not work here: {tried.stderr.strip()}")
        folder = pathlib.Path(__file__).parent
        done = subprocess.run(["unshare", "-rm", sys.executable, "-m", "unittest", "-v", "test_disks"], cwd=folder,
                              capture_output=True, text=True, timeout=1800)
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
