"""Small filesystems of their own for tests, and a library that makes writes fail."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

FAULTS = pathlib.Path(__file__).with_name("faults.c")


def run(*words):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True)


class SmallDisk:
    """A filesystem of a few MiB. Skips the test, with the reason, where it cannot be mounted."""

    def __init__(self, kind="tmpfs", mib=32):
        self.kind, self.mib = kind, mib
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="enl-d", dir="/tmp"))
        self.path = self.folder / "m"
        self.path.mkdir()
        self.image = self.folder / "image"

    def __enter__(self):
        if self.kind == "ext4":
            with open(self.image, "wb") as file:
                file.truncate(self.mib << 20)
            self.need(run("mkfs.ext4", "-q", "-m", "0", self.image) if shutil.which("mkfs.ext4") else None, "mkfs.ext4")
        self.need(self.mount(), "mount")
        return self

    def need(self, done, what):
        if done is not None and done.returncode == 0:
            return
        reason = "is not installed" if done is None else f"said: {done.stderr.strip()}"
        self.__exit__()
        raise unittest.SkipTest(f"a small {self.kind} needs {what}, which {reason} (run as root, or under unshare -rm)")

    def mount(self, *options):
        if self.kind == "tmpfs":
            return run("mount", "-t", "tmpfs", "-o", ",".join([f"size={self.mib}m", *options]), "tmpfs", self.path)
        return run("mount", "-o", ",".join(["loop", *options]), self.image, self.path)

    def unmount(self, seconds=30):
        """Waits for those who have files open to let go."""
        end = time.monotonic() + seconds
        while run("umount", self.path).returncode != 0:
            assert time.monotonic() < end, f"{self.path} stays busy"
            time.sleep(0.05)

    def __exit__(self, *_):
        # Lazily: whatever the test left behind, the directory is free afterwards.
        if os.path.ismount(self.path):
            run("umount", "-l", self.path)
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def available(self):
        space = os.statvfs(self.path)
        return space.f_bavail * space.f_frsize

    @property
    def filler(self):
        return self.path / "filler"

    def fill(self, leave=0):
        """Takes all room but so many bytes with a file beside."""
        block = b"\xAA" * 4096
        with open(self.filler, "ab", buffering=0) as file:
            while self.available > leave:
                try:
                    if file.write(block) == 0:
                        return
                except OSError:
                    return

    def free(self):
        self.filler.unlink()

    def turn_read_only(self):
        """What a kernel does with a filesystem that has an error: open files cannot be written any more either."""
        done = run("mount", "-o", "remount,abort", self.path)
        assert done.returncode == 0, done.stderr

    def turn_writable(self):
        """The operator's way back: unmount, mount."""
        self.unmount()
        done = self.mount()
        assert done.returncode == 0, done.stderr


class Faults:
    """Makes system calls fail for files whose path has a text, while a trigger is set."""

    def __init__(self, folder):
        if shutil.which("cc") is None:
            raise unittest.SkipTest("the library that makes writes fail needs a C compiler: cc is not installed")
        self.library = pathlib.Path(folder) / "faults.so"
        self.trigger = pathlib.Path(folder) / "faults"
        done = run("cc", "-shared", "-fPIC", "-O1", "-Wall", "-o", self.library, FAULTS)
        assert done.returncode == 0, done.stderr

    @property
    def environment(self):
        return {"LD_PRELOAD": str(self.library), "ENLACE_TEST_FAULTS": str(self.trigger)}

    def set(self, *faults):
        """Each fault: the calls joined by commas, the error's name, a text in the path."""
        lines = "".join(f"{calls} {error} {text}\n" for calls, error, text in faults)
        temporary = self.trigger.with_suffix(".new")
        temporary.write_text(lines)
        temporary.rename(self.trigger)

    def clear(self):
        self.trigger.unlink()

    @property
    def hits(self):
        """How often a call was made to fail."""
        try:
            return len(pathlib.Path(f"{self.trigger}.hits").read_bytes())
        except OSError:
            return 0
