"""The verbs of the project: demo, test, check, zip, link, clean."""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import tomllib
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent
DIST = CHECKOUT / "dist"
TORCH = "torch==2.13.0"
STAMP = "mixdiff-stamp.json"

# The shared libraries that Blender loads, and the Debian packages that hold them.
BLENDER_LIBRARIES = {
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libICE.so.6": "libice6",
    "libSM.so.6": "libsm6",
    "libX11.so.6": "libx11-6",
    "libXext.so.6": "libxext6",
    "libXfixes.so.3": "libxfixes3",
    "libXi.so.6": "libxi6",
    "libXrender.so.1": "libxrender1",
    "libXxf86vm.so.1": "libxxf86vm1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libgomp.so.1": "libgomp1",
}


class BuildError(Exception):
    """Something that the person at the keyboard can understand and mend."""


# --- Running programs ---------------------------------------------------------------------------


def say(line: str) -> None:
    """Show one line of progress."""
    print(line, flush=True)


def run(
    command: Sequence[str | Path], *, cwd: Path = CHECKOUT, env: Mapping[str, str] | None = None
) -> str:
    """Run a program quietly and return what it printed.

    Raises:
        BuildError: it could not start, or it failed; with the command and its last lines.
    """
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except OSError as error:
        raise BuildError(f"`{shlex.join(words)}` could not start: {error.strerror}.") from error
    if done.returncode != 0:
        tail = "\n".join(f"    {line}" for line in done.stdout.strip().splitlines()[-12:])
        raise BuildError(
            f"`{shlex.join(words)}` ended with exit code {done.returncode}; "
            f"its last lines were:\n{tail or '    (it printed nothing)'}"
        )
    return done.stdout


def show(command: Sequence[str | Path], *, env: Mapping[str, str] | None = None) -> int:
    """Run a program that speaks to the terminal itself, and return its exit code."""
    return subprocess.run([str(w) for w in command], cwd=CHECKOUT, env=env, check=False).returncode


# --- Environments -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One `pip install` of an environment."""

    title: str
    arguments: tuple[str, ...]

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
    Step(title="torch", arguments=(TORCH,)),
    Step(title="the engine's requirements", arguments=("-r", "engine/requirements.txt")),
)
DEV_STEP = Step(title="the tools for tests and checks", arguments=("-r", "requirements-dev.txt"))
ENGINE = Environment(name="engine", pythons=("3.11", "3.12", "3.13"), steps=RUN_STEPS)
ENGINE_DEV = Environment(
    name="engine", pythons=("3.11", "3.12", "3.13"), steps=(*RUN_STEPS, DEV_STEP)
)


def _bpy(release: str, python: str) -> Environment:
    step = Step(title=f"bpy {release}", arguments=(f"bpy=={release}",))
    name = "bpy-" + release.rpartition(".")[0]
    return Environment(name=name, pythons=(python,), steps=(step,))


BPY = (
    _bpy("4.2.23", "3.11"),
    _bpy("4.5.15", "3.11"),
    _bpy("5.0.1", "3.11"),
    _bpy("5.2.3", "3.13"),
)


def python_version(python: str | Path) -> str | None:
    """Return the full version of an interpreter, or None where it does not start."""
    code = "import sys; print('%d.%d.%d' % sys.version_info[:3])"
    try:
        done = subprocess.run(
            [str(python), "-I", "-c", code], capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None


def python_candidates(version: str) -> Iterator[str]:
    """Yield the places where an interpreter of a version such as "3.13" may be found."""
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        yield sys.executable
    if found := shutil.which(f"python{version}"):
        yield found
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
                return candidate
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
    with _THREAD_LOCKS.setdefault(name, threading.Lock()), (folder / f".{name}.lock").open("w") as f:
        if sys.platform != "win32":
            import fcntl

            fcntl.flock(f, fcntl.LOCK_EX)
        yield


def make_environments(environments: Sequence[Environment]) -> None:
    """Bring several environments up to date, a few at a time.

    Raises:
        BuildError: one or more could not be made; all of them are named.
    """
    problems: list[str] = []

    def make(environment: Environment) -> None:
        try:
            make_environment(environment)
        except BuildError as error:
            problems.append(f"{environment.name}: {error}")

    with ThreadPoolExecutor(max_workers=3) as pool:
        list(pool.map(make, environments))
    if problems:
        raise BuildError("\n".join(problems))


# --- The extension ------------------------------------------------------------------------------


def manifest() -> dict[str, str]:
    """Return what blender_manifest.toml says."""
    return tomllib.loads((CHECKOUT / "blender_manifest.toml").read_text(encoding="utf-8"))


def extension_files() -> dict[str, Path]:
    """Return every file of the extension: its name in the zip, and where it is in the checkout."""
    files = {name: CHECKOUT / name for name in ("blender_manifest.toml", "LICENSE")}
    for folder, inside in ((CHECKOUT / "mixdiff_blender", ""), (CHECKOUT / "engine", "engine/")):
        for path in folder.rglob("*"):
            relative = path.relative_to(folder)
            hidden = any(part.startswith((".", "__pycache__")) for part in relative.parts)
            if path.is_file() and not hidden and path.suffix not in (".pyc", ".pyo"):
                files[inside + relative.as_posix()] = path
    return dict(sorted(files.items()))


def build_zip(folder: Path) -> Path:
    """Write the extension's zip into a folder; the same files give the same bytes."""
    if not (CHECKOUT / "mixdiff_blender/__init__.py").is_file():
        raise BuildError("mixdiff_blender/__init__.py is not there, so there is no add-on to pack.")
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"mixdiff-{manifest()['version']}.zip"
    aside = target.with_suffix(f".{os.getpid()}.part")
    with zipfile.ZipFile(aside, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in extension_files().items():
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
    aside.replace(target)
    return target
