"""The verbs of the project: demo, test, check, zip, lock, link, clean."""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import functools
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
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.blender.hosts import Host

CHECKOUT = Path(__file__).resolve().parent
DIST = CHECKOUT / "dist"
TORCH = "torch==2.13.0"
STAMP = "mixdiff-stamp.json"
LINK_MARK = ".linked-by-build.txt"
DEMO_TIMEOUT_S = 3600
OLDEST_BLENDER, NEWEST_BLENDER = (4, 2), (5, 2)

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


def ask_python(python: str | Path, expression: str) -> str | None:
    """Return what an interpreter makes of an expression, or None where it does not start."""
    try:
        done = subprocess.run(
            [str(python), "-I", "-c", f"import sys; print({expression})"],
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

    with ThreadPoolExecutor(max_workers=3) as pool:
        outcomes = dict(zip(environments, pool.map(make, environments), strict=True))
    problems = {made: error for made, error in outcomes.items() if error}
    if fatal := [f"{made.name}: {e}" for made, e in problems.items() if made not in optional]:
        raise BuildError("\n".join(fatal))
    for made, error in problems.items():
        say(f"{made.name}: left out: {error}")
    return {made.name for made in problems}


# --- The extension ------------------------------------------------------------------------------


def manifest_version() -> str:
    """Return the version that blender_manifest.toml gives the extension."""
    manifest = tomllib.loads((CHECKOUT / "blender_manifest.toml").read_text(encoding="utf-8"))
    return str(manifest["version"])


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
    target = folder / f"mixdiff-{manifest_version()}.zip"
    aside = target.with_suffix(f".{os.getpid()}.part")
    try:
        with zipfile.ZipFile(aside, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, path in extension_files().items():
                entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
                entry.external_attr = 0o100644 << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, path.read_bytes())
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    aside.replace(target)
    return target


def validate_zip(archive: Path) -> bool:
    """Let Blender's own validator judge a zip; False where no bpy wheel is installed to do it."""
    for environment in reversed(BPY):
        if read_stamp(environment):
            scripts = next(environment.folder.glob("**/bpy/*/scripts"))
            tool = scripts / "addons_core/bl_pkg/cli/blender_ext.py"
            tags = scripts / "modules/_bpy_internal/extensions/tags.py"
            run([environment.python, tool, "validate", f"--valid-tags={tags}", archive])
            return True
    return False


# --- Blender ------------------------------------------------------------------------------------


def missing_libraries() -> list[str]:
    """Return the shared libraries that Blender loads and this machine does not have."""
    if sys.platform != "linux":
        return []

    def lacks(name: str) -> bool:
        try:
            ctypes.CDLL(name)
        except OSError:
            return True
        return False

    return [name for name in BLENDER_LIBRARIES if lacks(name)]


def ensure_libraries() -> None:
    """Install the shared libraries that Blender needs where we may, or say what to install.

    Raises:
        BuildError: some are missing, and this is no Debian or we are not root.
    """
    if not (missing := missing_libraries()):
        return
    command = [
        *("apt-get", "install", "-y", "--no-install-recommends"),
        *(BLENDER_LIBRARIES[name] for name in missing),
    ]
    if sys.platform == "win32" or os.geteuid() != 0 or not shutil.which("apt-get"):
        raise BuildError(
            f"Blender needs the shared libraries {', '.join(missing)}, which are not installed; "
            f"on Debian or Ubuntu `sudo {shlex.join(command)}` installs them."
        )
    say(f"blender: installing {len(missing)} system libraries…")
    run(["apt-get", "update"])
    run(command, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})


def demo_host(work: Path) -> Host:
    """Return a Blender for the demo: one on the PATH if it suits, else a bpy wheel."""
    from tests.blender import hosts

    find = functools.partial(
        hosts.find_host,
        environments=environments_folder(),
        engine_python=ENGINE.python,
        work=work,
    )
    try:
        host = find(hosts.PATH_NAME)
    except hosts.HostMissingError as error:
        say(f"blender: {error}; a bpy wheel is used")
    else:
        if OLDEST_BLENDER <= host.version <= NEWEST_BLENDER:
            return host
        version = ".".join(map(str, host.version))
        say(f"blender: {host.program} is {version}, not 4.2 to 5.2; a bpy wheel is used")
    ensure_libraries()
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    wheels = {wheel.name: wheel for wheel in BPY}
    wheel = wheels["bpy-5.2" if running == "3.13" else "bpy-4.5"]
    make_environments([wheel])
    return find(wheel.name)


# --- Verbs --------------------------------------------------------------------------------------


def demo() -> int:
    """Generate and render the example scene in a Blender, and say where the results are."""
    from tests.blender.hosts import HostFailedError, HostTimeoutError

    make_environments([ENGINE])
    output = CHECKOUT / "demo"
    output.mkdir(exist_ok=True)
    results = [output / "demo.png", output / "demo.blend"]
    for result in results:
        result.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="mixdiff-demo-") as folder:
        host = demo_host(Path(folder))
        say(f"demo: opening examples/street.blend in {host.name}")
        try:
            done = host.run_python(
                CHECKOUT / "examples/demo.py",
                *("--output-folder", output),
                extension_zip=build_zip(DIST),
                blend=CHECKOUT / "examples/street.blend",
                timeout_s=DEMO_TIMEOUT_S,
                show=True,
            )
        except (HostFailedError, HostTimeoutError) as error:
            raise BuildError(f"the demo in {host.name} failed: {error}") from error
    missing = [str(result) for result in results if not result.is_file()]
    if done.returncode != 0 or missing:
        raise BuildError(
            f"the demo in {host.name} ended with exit code {done.returncode}"
            + (f" and without {' and '.join(missing)}" if missing else "")
            + "; the lines above say why."
        )
    for result in results:
        say(str(result))
    return 0


def test(arguments: Sequence[str]) -> int:
    """Run the tests, with every Blender that this machine can have."""
    ensure_libraries()
    left_out = make_environments([ENGINE_DEV, *BPY], optional=BPY)
    ready = ", ".join(wheel.name for wheel in BPY if wheel.name not in left_out)
    say(f"test: hosts ready: {ready or 'none'}; executables are found or built when first needed")
    return show([ENGINE_DEV.python, "-m", "pytest", *arguments])


def check() -> int:
    """Run the linters, the type checker and the import rules, all of them."""
    make_environments([ENGINE_DEV])
    python, linter = ENGINE_DEV.python, ENGINE_DEV.python.with_name("lint-imports")
    tools: dict[str, list[str | Path]] = {
        "ruff check": [python, "-m", "ruff", "check", "."],
        "ruff format": [python, "-m", "ruff", "format", "--check", "."],
        "mypy": [python, "-m", "mypy"],
        "import-linter": [linter],
    }
    failed = []
    for name, command in tools.items():
        say(f"check: {name}")
        if show(command) != 0:
            failed.append(name)
    if failed:
        raise BuildError(f"{' and '.join(failed)} found something; see above.")
    return 0


def pack() -> int:
    """Build the extension's zip and let Blender's own validator judge it."""
    archive = build_zip(DIST)
    if not validate_zip(archive):
        say("zip: not validated, for want of a bpy wheel; `build.py test` installs some")
    say(str(archive))
    return 0


def lock() -> int:
    """Fix the engine's packages at versions and hashes, for every platform; needs uv."""
    pure = ["filelock", "fsspec", "jinja2", "networkx", "setuptools", "sympy", "typing-extensions"]
    with tempfile.TemporaryDirectory(prefix="mixdiff-lock-") as name:
        wanted, without_torch = Path(name) / "wanted.in", Path(name) / "overrides.txt"
        # What torch needs and every build of it shares; torch itself is pinned by `TORCH`.
        wanted.write_text("\n".join([f"-r {CHECKOUT / 'engine/requirements.txt'}", *pure]) + "\n")
        without_torch.write_text("torch ; sys_platform == 'never'\n")
        options = ["--universal", "--python-version", "3.11", "--generate-hashes"]
        options += ["--no-header", "--no-annotate", "--no-emit-package", "torch"]
        options += ["--overrides", str(without_torch)]
        target = CHECKOUT / "engine/requirements.lock"
        run(["uv", "pip", "compile", "--quiet", *options, wanted, "-o", target])
    say(str(target))
    return 0


def link(folder: Path | None) -> int:
    """Make the checkout a development extension of a Blender, by links into its repository."""
    repository = folder or user_default_repository()
    target = repository / "mixdiff"
    if target.is_symlink() or (target.exists() and not (target / LINK_MARK).exists()):
        raise BuildError(f"{target} is an installed extension; remove it in Blender first.")
    if target.exists():
        shutil.rmtree(target)  # takes the links away, not what they lead to
    target.mkdir(parents=True)
    (target / LINK_MARK).write_text(f"Links into {CHECKOUT}, made by `build.py link`.\n")
    sources = [CHECKOUT / name for name in ("blender_manifest.toml", "LICENSE", "engine")]
    for source in [*sources, *sorted((CHECKOUT / "mixdiff_blender").iterdir())]:
        if source.name != "__pycache__":
            (target / source.name).symlink_to(source, target_is_directory=source.is_dir())
    say(f"{target} leads to this checkout; run this again after adding a module")
    return 0


def user_default_repository() -> Path:
    """Ask the Blender on the PATH where its own extensions live."""
    blender = os.environ.get("MIXDIFF_BLENDER") or shutil.which("blender")
    if not blender:
        raise BuildError(
            "there is no `blender` on the PATH; name its extension repository, for example "
            "`build.py link ~/.config/blender/4.5/extensions/user_default`."
        )
    code = "import bpy; print('AT', bpy.utils.user_resource('EXTENSIONS', path='user_default'))"
    printed = run([blender, "-b", "--factory-startup", "--python-expr", code])
    found = [line[3:] for line in printed.splitlines() if line.startswith("AT ")]
    if not found:
        raise BuildError(f"{blender} did not say where its extensions live; name the folder.")
    return Path(found[0])


def clean(everything: bool) -> int:
    """Remove what the verbs made; the environments too if everything is to go."""
    names = ["dist", "demo", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis"]
    names += [".import_linter_cache", *([".environments"] if everything else [])]
    folders = [CHECKOUT / name for name in names]
    for part in ("mixdiff_blender", "engine", "tests", "training", "benchmarks", "examples"):
        folders += (CHECKOUT / part).rglob("__pycache__")
    for folder in (*folders, CHECKOUT / "__pycache__"):
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def main(arguments: Sequence[str]) -> int:
    """Run one verb and return its exit code."""
    parser = argparse.ArgumentParser(prog="build.py", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    verbs.add_parser("demo", help="generate and render the example scene in a Blender")
    verbs.add_parser("test", help="run the tests; further arguments go to pytest", add_help=False)
    verbs.add_parser("check", help="run ruff, mypy and import-linter")
    verbs.add_parser("zip", help="build dist/mixdiff-VERSION.zip")
    verbs.add_parser("lock", help="fix the versions and hashes of the engine's packages")
    link_parser = verbs.add_parser("link", help="use this checkout as an extension in a Blender")
    link_parser.add_argument("folder", nargs="?", type=Path, help="a repository's folder")
    clean_parser = verbs.add_parser("clean", help="remove what the verbs made")
    clean_parser.add_argument("--all", action="store_true", help="the environments too")
    chosen, rest = parser.parse_known_args(arguments)
    if rest and chosen.verb != "test":
        parser.error(f"{chosen.verb} takes no {rest[0]}")
    actions: dict[str, Callable[[], int]] = {
        "demo": demo,
        "test": lambda: test(rest),
        "check": check,
        "zip": pack,
        "lock": lock,
        "link": lambda: link(chosen.folder),
        "clean": lambda: clean(chosen.all),
    }
    try:
        return actions[chosen.verb]()
    except BuildError as error:
        print(f"build.py {chosen.verb}: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
