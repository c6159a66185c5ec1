"""Dockerfile and .dockerignore."""

import json
import re
import unittest

from project import PREFIX, ROOT, dockerfile, run, setting_problem, tomllib, tool


class Dockerfile(unittest.TestCase):
    def setUp(self):
        self.build, self.image = dockerfile()

    def copied(self):
        return {source for words in self.build.words("COPY") for source in words[:-1]}

    def test_the_linter_has_nothing_to_say(self):
        linted = run(tool("hadolint"), "--failure-threshold", "style", "Dockerfile")
        self.assertEqual((linted.returncode, linted.stdout), (0, ""))

    def test_what_is_copied_exists_and_is_let_through_by_dockerignore(self):
        ignored = (ROOT / ".dockerignore").read_text().splitlines()
        rules = [line for line in ignored if line and not line.startswith("#")]
        self.assertEqual(rules[0], "*", "everything is left out, but for what follows")
        self.assertEqual({rule.removeprefix("!") for rule in rules[1:]}, self.copied())
        for source in self.copied():
            self.assertTrue((ROOT / source).exists(), source)

    def test_every_file_that_is_compiled_in_is_copied(self):
        places = [ROOT / source for source in self.copied()]
        for file in (ROOT / "src").rglob("*.rs"):
            for path in re.findall(r'include_(?:str|bytes)!\(\s*"([^"]+)"', file.read_text()):
                included = (file.parent / path).resolve()
                self.assertTrue(included.exists(), f"{file}: {path}")
                self.assertTrue(any(included.is_relative_to(place) for place in places), f"{file}: {path}")
        self.assertFalse((ROOT / "build.rs").exists() and "build.rs" not in self.copied())

    def test_the_compiler_is_new_enough(self):
        wanted = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]["rust-version"]
        given = re.match(r"rust:([\d.]+)", self.build.image)[1]
        self.assertGreaterEqual([int(n) for n in given.split(".")], [int(n) for n in wanted.split(".")])

    def test_what_the_image_takes_from_the_build_is_made_there(self):
        made = " ".join(rest for name, rest in self.build.steps if name == "RUN")
        ((workdir,),) = self.build.words("WORKDIR")
        for words in self.image.words("COPY"):
            source = next(word for word in words if not word.startswith("--"))
            self.assertIn("--from=" + self.build.name, words)
            self.assertTrue(source.startswith(workdir + "/"), source)
            self.assertIn(source.removeprefix(workdir + "/"), made)

    def test_the_build_names_no_absolute_path_so_that_it_runs_without_docker(self):
        for name, rest in self.build.steps:
            if name in ("RUN", "COPY"):
                self.assertNotRegex(rest, r"(^|\s|[>=])/", name)

    def test_the_image_runs_the_program_unprivileged_and_is_told_to_stop_directly(self):
        ((user,),) = self.image.words("USER")
        self.assertTrue(user and user.split(":")[0] not in ("0", "root"))
        (entrypoint,) = [rest for name, rest in self.image.steps if name == "ENTRYPOINT"]
        (command,) = [rest for name, rest in self.image.steps if name == "CMD"]
        self.assertEqual(json.loads(entrypoint), ["strongroom"])
        self.assertEqual(json.loads(command), ["serve"])
        (health,) = [rest for name, rest in self.image.steps if name == "HEALTHCHECK"]
        self.assertEqual(json.loads(health[health.index("CMD") + 3 :]), ["strongroom", "health"])

    def test_settings_exist_and_the_data_folder_is_the_volume(self):
        variables = dict(word.split("=", 1) for words in self.image.words("ENV") for word in words)
        for name, text in variables.items():
            self.assertTrue(name.startswith(PREFIX))
            self.assertIsNone(setting_problem(name, text))
        self.assertEqual(self.image.words("VOLUME"), [[variables["STRONGROOM__STORE__DATA_DIR"]]])
        port = variables["STRONGROOM__SERVER__BIND"].rpartition(":")[2]
        self.assertEqual(self.image.words("EXPOSE"), [[port]])
