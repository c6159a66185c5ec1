"""What the checks share: the project's folder, its tools, its settings, and a reader of Dockerfiles."""

import os
import re
import shlex
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

try:
    import tomllib
except ModuleNotFoundError:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
DEFAULTS = tomllib.loads((ROOT / "config.default.toml").read_text())
PREFIX = "STRONGROOM__"

# What a person would put into .env.
ENV_FILE = {
    "STRONGROOM_SECRET": "b1946ac92492d2347c6235b4d2611184f2ca1bb6c7e907d06dafe4687e579fce",
    "STRONGROOM_S3_ACCESS_KEY": "1f40fc92da241694750979ee6cf582f2",
    "STRONGROOM_S3_SECRET_KEY": "61be55a8e2f6b4e172338bddf184d6db591cda5f2d3a5c7f1c9d8b6a40e2f3d1",
}


def run(program, *arguments, environment=None, **options):
    """Runs a program in the project's folder with this environment alone, and answers what came of it."""
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **(environment or {})}
    return subprocess.run(
        [program, *arguments], cwd=options.pop("cwd", ROOT), env=environment, text=True, capture_output=True, **options
    )


def tool(name):
    """Where tests/deploy/run put a tool."""
    return Path(os.environ["TOOLS"]) / name


def program():
    """Where strongroom itself is."""
    return os.environ["STRONGROOM_BIN"]


def setting_problem(name, text):
    """What is wrong with an environment variable that sets a setting; None when nothing is."""
    section, _, key = name.removeprefix(PREFIX).lower().partition("__")
    if key not in DEFAULTS.get(section, {}):
        return f"{name}: there is no setting {section}.{key}"
    match DEFAULTS[section][key]:
        case bool() if text not in ("true", "false"):
            return f"{name}: {text!r} is neither true nor false"
        case int() as number if not isinstance(number, bool) and not re.fullmatch(r"-?\d+", text):
            return f"{name}: {text!r} is not a whole number"
    return None


def seconds(duration):
    """A duration as Compose and the settings write it, e.g. 1m30s."""
    parts = re.findall(r"(\d+)(ms|s|m|h)", duration)
    assert "".join(number + unit for number, unit in parts) == duration, duration
    return sum(int(number) * {"ms": 0.001, "s": 1, "m": 60, "h": 3600}[unit] for number, unit in parts)


@dataclass
class Stage:
    """One FROM of a Dockerfile and what follows it."""

    image: str
    name: str
    steps: list = field(default_factory=list)

    def words(self, instruction):
        """The arguments of every such instruction, split as a shell does."""
        return [shlex.split(rest) for name, rest in self.steps if name == instruction]


def dockerfile():
    """The stages of the Dockerfile."""
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if not line.lstrip().startswith("#")]
    stages = []
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        if not line.strip():
            continue
        instruction, rest = line.split(maxsplit=1)
        if instruction == "FROM":
            image, *alias = rest.split()
            stages.append(Stage(image, alias[1] if alias else ""))
        else:
            stages[-1].steps.append((instruction, rest))
    return stages
