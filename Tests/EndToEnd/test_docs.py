"""Every command that README and the handbooks show is run."""

import os
import re
import subprocess
import unittest

from pipeline import BIN, ROOT, SEEDS, Pipeline


def commands(name):
    """The lines of a document's shell blocks, comments taken off."""
    text = (ROOT / name).read_text(encoding="utf-8")
    for block in re.findall(r"```sh\n(.*?)```", text, re.S):
        for line in block.splitlines():
            line = re.sub(r"\s+#.*", "", line).strip()
            if line:
                yield line


class Documents(unittest.TestCase):
    def shell(self, line, flow, expected=(0,), seconds=60):
        line = line.replace("/var/lib/enlace", str(flow.state_dir))
        environment = {
            **os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "ENLACE_RUN_DIR": str(flow.run_dir),
            "ENLACE_STATE_DIR": str(flow.state_dir), "ENLACE_SEEDS": str(SEEDS)}
        done = subprocess.run(["bash", "-o", "pipefail", "-c", line], cwd=ROOT, env=environment, capture_output=True,
                              timeout=seconds)
        self.assertIn(done.returncode, expected, f"{line}\n{done.stderr.decode()}")
        return done

    def test_what_analysts_copy_works(self):
        with Pipeline(stations=("nogales", "douglas", "hermosillo", "puerto-penasco")) as flow:
            flow.start()
            self.assertEqual(flow.run("publish", SEEDS / "incidents/arizona-sonora.jsonl").returncode, 0)
            seen = 0
            for line in commands("docs/analysts.md"):
                if line == "enlace tail" or "nogales@1200" in line:
                    # These follow until they are stopped; position 1200 is not there yet.
                    self.shell(f"timeout --signal=INT 2 {line}", flow, expected=(124, 130, 1))
                else:
                    done = self.shell(line, flow)
                    self.assertTrue(done.stdout, line)
                seen += 1
            self.assertGreaterEqual(seen, 6)

    def test_what_operators_copy_works(self):
        with Pipeline() as flow:
            flow.start()
            self.assertEqual(flow.run("publish", SEEDS / "incidents/malformed.jsonl").returncode, 0)
            for line in commands("docs/operators.md"):
                if line.startswith("enlace up"):
                    with Pipeline() as other:
                        self.shell(f"timeout --signal=INT 8 {line}", other, expected=(124, 130))
                elif line.startswith("enlace archive adopt"):
                    # With everything on the machine stopped, as the handbook says.
                    flow.stop()
                    self.assertIn(b"belongs to no other archive", self.shell(line, flow).stdout)
                    flow.start()
                else:
                    done = self.shell(line, flow)
                    self.assertTrue(done.stdout, line)

    def test_what_the_readme_names_is_there(self):
        text = (ROOT / "README.md").read_text(encoding="utf-8")
        for script in re.findall(r"`?(scripts/[a-z-]+)", text):
            self.assertTrue(os.access(ROOT / script, os.X_OK), script)
        for target in re.findall(r"\]\(([^)#]+)\)", text):
            self.assertTrue((ROOT / target).exists(), target)


if __name__ == "__main__":
    unittest.main()
