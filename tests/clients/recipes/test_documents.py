"""docs/clients.md: what it points at exists, and what it lists is all there is."""

import re
import subprocess
import tempfile
import unittest

from graphql import build_schema

from server import ROOT

DOCUMENT = ROOT / "docs/clients.md"
TEXT = DOCUMENT.read_text()


class Documents(unittest.TestCase):
    def test_links_lead_somewhere_and_to_every_recipe(self):
        links = [link for link in re.findall(r"\]\(([^)#\s]+)", TEXT) if not link.startswith(("http:", "https:"))]
        for link in links:
            self.assertTrue((DOCUMENT.parent / link).exists(), link)
        recipes = {str(path.relative_to(DOCUMENT.parent)) for path in (DOCUMENT.parent / "recipes").iterdir()}
        self.assertEqual(recipes - set(links), set())

    def test_settings_that_are_named_exist(self):
        defaults = (ROOT / "config.default.toml").read_text()
        named = re.findall(r"`(server|accounts|limits|store|blobs|thumbnails)\.([a-z_]+)`", TEXT)
        named += [(section.lower(), key.lower()) for section, key in re.findall(r"STRONGROOM__([A-Z]+)__([A-Z_]+)=", TEXT)]
        self.assertGreater(len(named), 2)
        for section, key in named:
            self.assertRegex(defaults, rf"(?m)^\[{section}\]\n(?:(?!\[).*\n)*{key} = ", f"{section}.{key}")

    def test_every_error_code_has_an_advice(self):
        codes = build_schema((ROOT / "schema.graphql").read_text()).type_map["ErrorCode"].values
        table = TEXT.split("| code | what to do |")[1].split("\n\n")[0]
        self.assertEqual(sorted(re.findall(r"`([A-Z_]+)`", table)), sorted(codes))

    def test_the_installs_are_those_of_the_recipes(self):
        for line in re.findall(r"`((?:npm|pip) install [^`]+)`", TEXT):
            recipes = "\n".join(path.read_text() for path in (DOCUMENT.parent / "recipes").iterdir())
            self.assertIn(line, recipes)

    def test_shell_lines_are_whole(self):
        scripts = re.findall(r"^```sh\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
        self.assertGreater(len(scripts), 1)
        for script in scripts:
            with tempfile.NamedTemporaryFile("w", suffix=".sh") as file:
                file.write(script)
                file.flush()
                checked = subprocess.run(["sh", "-n", file.name], capture_output=True, text=True)
            self.assertEqual(checked.returncode, 0, checked.stderr)
