"""Virtual environments: made once, mended when broken, renewed when their requirements change."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from building.fetching import Download, announce
from building.programs import CHECKOUT, BuildError, run, say

TORCH = "torch==2.13.0"
STAMP = "mixdiff-stamp.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One `pip install` of an environment."""

    title: str
    arguments: tuple[str, ...]
    fetches_mb: Mapping[str, int] = field(default_factory=dict, hash=False)
    """What the packages and all that they need weigh, by `sys.platform`, as measured on PyPI."""

    @property
    def digest(self) -> str:
        """A hash that changes with the arguments and the requirement files they name."""
        digest = hashlib.sha256(json.dumps(self.arguments).encode())
        for option, value in zip(self.arguments, self.arguments[1:], strict=False):
            if option == "-r":
                digest.update((CHECKOUT / value).read_bytes())
        return digest.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """A virtual environment: the Pythons it may be made of, and what is installed in it."""

    name: str
    pythons: tuple[str, ...]
    steps: tuple[Step, ...]

    @property
    def folder(self) -> Path:
        """Where the environment lives."""
        return environments_folder() / self.name

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def environments_folder() -> Path:
    """Return the folder that holds every environment."""
    return Path(os.environ.get("MIXDIFF_ENVIRONMENTS") or CHECKOUT / ".environments").absolute()


RUN_STEPS = (
    # For Linux with NVIDIA's libraries.
    Step(
        title="torch",
        arguments=(TORCH,),
        fetches_mb={"linux": 2740, "darwin": 120, "win32": 130},
    ),
    Step(
        title="the engine's requirements",
        arguments=("-r", "engine/requirements.txt"),
        fetches_mb={"linux": 96, "darwin": 82, "win32": 91},
    ),
)
DEV_STEP = Step(
    title="the tools for tests and checks",
    arguments=("-r", "requirements-dev.txt"),
    fetches_mb={"linux": 51, "darwin": 42, "win32": 40},
)
ENGINE = Environment(name="engine", pythons=("3.11", "3.12", "3.13"), steps=RUN_STEPS)
CLUSTER_STEP = Step(
    title="what clusters and farms need",
    arguments=("-r", "engine/requirements-ray.txt", "openjd-cli==0.8.0"),
    fetches_mb={"linux": 85, "darwin": 85, "win32": 40},
)
ENGINE_DEV = Environment(
    name="engine", pythons=("3.11", "3.12", "3.13"), steps=(*RUN_STEPS, DEV_STEP, CLUSTER_STEP)
)


def _bpy(release: str, python: str, linux_mb: int, darwin_mb: int, win32_mb: int) -> Environment:
    step = Step(
        title=f"bpy {release}",
        arguments=(f"bpy=={release}",),
        fetches_mb={"linux": linux_mb, "darwin": darwin_mb, "win32": win32_mb},
    )
    name = "bpy-" + release.rpartition(".")[0]
    return Environment(name=name, pythons=(python,), steps=(step,))


BPY = (
    _bpy("4.2.23", "3.11", 350, 208, 316),
    _bpy("4.5.15", "3.11", 373, 223, 326),
    _bpy("5.0.1", "3.11", 374, 228, 328),
    _bpy("5.2.3", "3.13", 403, 245, 340),
)


def ask_python(python: str | Path, expression: str, *options: str) -> str | None:
    """Return what an interpreter makes of an expression, or None where it does not start."""
    try:
        done = subprocess.run(
            [str(python), *options, "-I", "-c", f"import sys; print({expression})"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None


def python_version(python: str | Path) -> str | None:
    """Return the full version of an interpreter, such as "3.11.7"; None if it does not start."""
    return ask_python(python, "'%d.%d.%d' % sys.version_info[:3]")


def python_candidates(version: str) -> Iterator[str]:
    """Yield the places where an interpreter of a version such as "3.13" may be found."""
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        yield sys.executable
    on_path = os.environ.get("PATH", "").split(os.pathsep)
    # On Windows each version's folder holds a python.exe, and its launcher knows others.
    for name in (f"python{version}", "python3", "python"):
        yield from filter(None, (shutil.which(name, path=folder) for folder in on_path))
    if launcher := shutil.which("py"):
        found = ask_python(launcher, "sys.executable", f"-{version}")
        yield from [found] if found else []
    folders = [Path.home() / ".pyenv/versions", Path(sys.base_prefix).parent]
    if root := os.environ.get("PYENV_ROOT"):
        folders.insert(0, Path(root) / "versions")
    for folder in folders:
        for found_path in sorted(folder.glob(f"{version}.*/bin/python{version}"), reverse=True):
            yield str(found_path)


def find_python(versions: Sequence[str]) -> str:
    """Return an interpreter of one of the versions, the running one's version before others.

    Raises:
        BuildError: there is none on this machine.
    """
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    for version in sorted(versions, key=lambda v: v != running):
        for candidate in python_candidates(version):
            if (python_version(candidate) or "").startswith(version + "."):
                # Neither a launcher nor a link such as python3, which may lead elsewhere one day.
                return str(Path(ask_python(candidate, "sys.executable") or candidate).resolve())
    wanted = " or ".join(versions)
    raise BuildError(
        f"Python {wanted} was not found on the PATH or among pyenv's versions; "
        f"install one of them (for example `pyenv install {versions[0]}`)."
    )


def read_stamp(environment: Environment) -> dict[str, str]:
    """Return which steps an environment has behind it, empty if it cannot be trusted at all."""
    try:
        stamp = json.loads((environment.folder / STAMP).read_text())
    except (OSError, ValueError):
        return {}
    if not isinstance(stamp, dict) or stamp.get("python") != python_version(environment.python):
        return {}
    return stamp


def missing_steps(environment: Environment) -> list[Step]:
    """Return the steps that an environment does not have behind it."""
    stamp = read_stamp(environment)
    return [step for step in environment.steps if stamp.get(step.title) != step.digest]


def make_environment(environment: Environment) -> bool:
    """Bring an environment up to date and return whether anything had to be done.

    A step counts as done only once it is in the stamp, which is written after it: what an
    interrupted run left behind is installed again by the next one.
    """
    with _lock(environment.name):
        stamp = read_stamp(environment)
        if not stamp:
            python = find_python(environment.pythons)
            say(f"{environment.name}: making the environment")
            run([python, "-m", "venv", "--clear", environment.folder])
            stamp = {"python": python_version(environment.python) or ""}
        missing = [step for step in environment.steps if stamp.get(step.title) != step.digest]
        for step in missing:
            number = environment.steps.index(step) + 1
            say(
                f"{environment.name}: installing {step.title} "
                f"({number} of {len(environment.steps)})…"
            )
            run([environment.python, "-m", "pip", "install", "--quiet", *step.arguments])
            stamp[step.title] = step.digest
            (environment.folder / STAMP).write_text(json.dumps(stamp, indent=2) + "\n")
        return bool(missing)


_THREAD_LOCKS: dict[str, threading.Lock] = {}


@contextlib.contextmanager
def _lock(name: str) -> Iterator[None]:
    """Hold others back, in this process and in others, while an environment is being made."""
    folder = environments_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with (
        _THREAD_LOCKS.setdefault(name, threading.Lock()),
        (folder / f".{name}.lock").open("w") as f,
    ):
        if sys.platform != "win32":
            import fcntl

            fcntl.flock(f, fcntl.LOCK_EX)
        yield


def make_environments(
    environments: Sequence[Environment], *, optional: Sequence[Environment] = ()
) -> set[str]:
    """Bring several environments up to date, a few at a time; return the optional ones left out.

    Raises:
        BuildError: one or more that are not optional could not be made; each says why.
    """

    def make(environment: Environment) -> BuildError | None:
        try:
            make_environment(environment)
        except BuildError as error:
            return error
        return None

    steps = [step for environment in environments for step in missing_steps(environment)]
    announce([Download(what=step.title, mb=step.fetches_mb.get(sys.platform)) for step in steps])
    with ThreadPoolExecutor(max_workers=3) as pool:
        outcomes = dict(zip(environments, pool.map(make, environments), strict=True))
    problems = {made: error for made, error in outcomes.items() if error}
    if fatal := [f"{made.name}: {e}" for made, e in problems.items() if made not in optional]:
        raise BuildError("\n".join(fatal))
    for made, error in problems.items():
        say(f"{made.name}: left out: {error}")
    return {made.name for made in problems}
