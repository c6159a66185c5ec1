"""README.md and the other documents: what they point at exists, and the walk-through can be taken out and run."""

import re
import tempfile
import unittest
from pathlib import Path

from project import DEFAULTS, PREFIX, ROOT, run, setting_problem

DOCUMENTS = ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"]


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


class Documents(unittest.TestCase):
    def test_links_lead_somewhere(self):
        for name in DOCUMENTS:
            for target in re.findall(r"\]\(([^)#\s]+)", (ROOT / name).read_text()):
                if not target.startswith(("http:", "https:")):
                    self.assertTrue((ROOT / target).exists(), f"{name}: {target}")

    def test_files_of_the_program_that_are_named_exist(self):
        for name in DOCUMENTS:
            for path in set(re.findall(r"`((?:src|tests|deploy|\.ci)/[\w./-]*)`", (ROOT / name).read_text())):
                self.assertTrue((ROOT / path).exists(), f"{name}: {path}")

    def test_settings_that_are_named_exist(self):
        for name in DOCUMENTS:
            text = (ROOT / name).read_text()
            for section, key in re.findall(r"`(" + "|".join(DEFAULTS) + r")\.([a-z0-9_]+)`", text):
                self.assertIn(key, DEFAULTS[section], f"{name}: {section}.{key}")
            for variable, value in re.findall(rf"\b({PREFIX}[A-Z0-9_]+__[A-Z0-9_]+)=(\S*)", text):
                self.assertIsNone(setting_problem(variable, value), name)

    def test_shell_lines_are_whole(self):
        for name in DOCUMENTS:
            for block in blocks((ROOT / name).read_text(), "sh"):
                with tempfile.NamedTemporaryFile("w", suffix=".sh") as script:
                    script.write(block)
                    script.flush()
                    checked = run("sh", "-n", script.name)
                self.assertEqual(checked.returncode, 0, f"{checked.stderr}\n{block}")

    def test_the_walk_through_goes_from_an_account_to_a_thumbnail(self):
        text = (ROOT / "README.md").read_text()
        (walk,) = re.findall(r"<!-- walk-through -->(.*?)<!-- /walk-through -->", text, re.DOTALL)
        script = "".join(blocks(walk, "sh"))
        at = -1
        for step in ["register", "login", "upload(", "thumbnailStatus", "files(", "setPublic", "thumbnail(", "logout"]:
            found = script.find(step, at + 1)
            self.assertGreater(found, at, step)
            at = found
        self.assertIn("${URL:-", script)
        self.assertIn("${PHOTO:-", script)

    def test_the_changelog_knows_this_version(self):
        version = re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)[1]
        self.assertIn(version, (ROOT / "CHANGELOG.md").read_text())

    def test_scripts_are_sound(self):
        for name in ["test", ".ci/run", "tests/get-servers", "tests/deploy/run"]:
            path: Path = ROOT / name
            self.assertEqual(run("bash", "-n", str(path)).returncode, 0, name)
            self.assertTrue(path.stat().st_mode & 0o100, f"{name} can be run")
