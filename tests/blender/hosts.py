"""The Blenders that tests run in: bpy wheels, and real executables."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tests.blender import debian

CHECKOUT = Path(__file__).resolve().parents[2]
BOOTSTRAP = Path(__file__).with_name("bootstrap.py")
EXTENSION = "bl_ext.user_default.mixdiff"
SCRIPTS = Path(__file__).with_name("scripts")
WHEEL_NAMES = ("bpy-4.2", "bpy-4.5", "bpy-5.0", "bpy-5.2")
PATH_NAME = "blender"  # the one on the PATH, or named in MIXDIFF_BLENDER
EXECUTABLE_NAMES = tuple(debian.SUITES)

_NUMBERS = itertools.count(1)


class HostMissingError(Exception):
    """A host is not on this machine; the message says why."""


class HostFailedError(AssertionError):
    """A host ended with another exit code than 0; the message holds what it had printed."""


class HostTimeoutError(Exception):
    """A host was ended because its time was up; the message holds what it had printed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRun:
    """What came of one run of a host."""

    command: tuple[str, ...]
    stdout: str
    stderr: str
    returncode: int
    result: Any
    user_resources: Path

    def check(self) -> HostRun:
        """Return this run if it ended with exit code 0.

        Raises:
            HostFailedError: it did not.
        """
        if self.returncode != 0:
            raise HostFailedError(f"exit code {self.returncode}\n{self.output}")
        return self

    @property
    def output(self) -> str:
        """Everything printed, for messages."""
        return f"--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostProcess:
    """A host at work."""

    name: str
    command: tuple[str, ...]
    process: subprocess.Popen[bytes]
    stdout: Path
    stderr: Path | None
    """None where it goes to the terminal."""
    result: Path | None
    user_resources: Path

    @property
    def is_running(self) -> bool:
        """Whether it is still at work."""
        return self.process.poll() is None

    def wait(self, timeout_s: float) -> HostRun:
        """Return what came of the run when the host has ended.

        Raises:
            HostTimeoutError: it did not end in time, and was ended.
        """
        try:
            self.process.wait(timeout_s)
        except subprocess.TimeoutExpired as error:
            self.end()
            raise HostTimeoutError(
                f"{self.name} was ended after {timeout_s:g} s\n{self._run().output}"
            ) from error
        except BaseException:
            self.end()
            raise
        return self._run()

    def end(self) -> None:
        """Kill the host, and what it has started, if it still runs."""
        if not self.is_running:
            return
        if sys.platform == "win32":
            self.process.kill()
        else:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def interrupt(self) -> None:
        """Send it, and what it has started, what Ctrl-C does in a terminal."""
        os.killpg(self.process.pid, signal.SIGINT)

    def printed(self) -> tuple[str, str]:
        """Return what it has written so far, to stdout and to stderr."""
        files = (self.stdout, self.stderr)
        stdout, stderr = (file.read_text(errors="replace") if file else "" for file in files)
        return stdout, stderr

    def _run(self) -> HostRun:
        stdout, stderr = self.printed()
        written = self.result if self.result and self.result.exists() else None
        return HostRun(
            command=self.command,
            stdout=stdout,
            stderr=stderr,
            returncode=self.process.returncode,
            result=json.loads(written.read_text()) if written else None,
            user_resources=self.user_resources,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """One Blender on this machine, and a work folder for what its runs leave behind."""

    name: str
    version: tuple[int, int]
    kind: Literal["wheel", "executable"]
    program: Path
    root: Path | None
    work: Path
    engine_python: Path

    def start_python(
        self,
        script: Path | str,
        *arguments: str | Path,
        extension_zip: Path | None = None,
        blend: Path | None = None,
        env: Mapping[str, str] | None = None,
        user_resources: Path | None = None,
        show: bool = False,
    ) -> HostProcess:
        """Start a script (a path, or its source) inside this Blender.

        The script finds `report(value)` among its globals: the JSON value becomes `result`.
        `user_resources` keeps Blender's user folder from one run to the next; without it every
        run gets a fresh one, in which the extension is installed if a zip is given.
        With `show` what the script writes to stderr goes to the terminal instead of into the
        result.
        """
        resources = user_resources or self.user_resources(extension_zip)
        run_folder = self._folder("run")
        if isinstance(script, str):
            source, script = script, run_folder / "script.py"
            script.write_text(source)
        return self._start_request(
            run_folder,
            {
                "script": str(Path(script).absolute()),
                "arguments": [str(argument) for argument in arguments],
                "extension": EXTENSION if extension_zip else None,
            },
            resources=resources,
            blend=blend,
            env=env,
            show=show,
        )

    def run_python(
        self, script: Path | str, *arguments: str | Path, timeout_s: float = 120, **options: Any
    ) -> HostRun:
        """Run a script inside this Blender until it has ended, as `start_python` starts it."""
        return self.start_python(script, *arguments, **options).wait(timeout_s)

    def run_cli(
        self,
        *arguments: str | Path,
        extension_zip: Path | None = None,
        blend: Path | None = None,
        env: Mapping[str, str] | None = None,
        timeout_s: float = 120,
        user_resources: Path | None = None,
    ) -> HostRun:
        """Run `blender -b [BLEND] ARGUMENTS`, for example with `-c mixdiff generate …`.

        Raises:
            HostMissingError: this host is a bpy wheel, which has no command line.
        """
        return self.start_cli(
            *arguments,
            extension_zip=extension_zip,
            blend=blend,
            env=env,
            user_resources=user_resources,
        ).wait(timeout_s)

    def start_cli(
        self,
        *arguments: str | Path,
        extension_zip: Path | None = None,
        blend: Path | None = None,
        env: Mapping[str, str] | None = None,
        user_resources: Path | None = None,
    ) -> HostProcess:
        """Start what `run_cli` waits for."""
        if self.kind == "wheel":
            raise HostMissingError(f"{self.name} is a bpy wheel: it has no command line")
        resources = user_resources or self.user_resources(extension_zip)
        words = ["-b", *([str(blend)] if blend else []), *(str(word) for word in arguments)]
        return self._start(words, resources=resources, env=env, blend=blend)

    def run_window(
        self,
        script: Path,
        *arguments: str | Path,
        display: str,
        extension_zip: Path,
        blend: Path,
        timeout_s: float = 200,
    ) -> HostRun:
        """Run a script in a Blender that has a window on an X display, until it quits.

        Raises:
            HostMissingError: this host is a bpy wheel, which has no window.
        """
        if self.kind == "wheel":
            raise HostMissingError(f"{self.name} is a bpy wheel: it has no window")
        words = ["--gpu-backend", "opengl", "-p", "0", "0", "1600", "1000", str(blend)]
        words += ["--python", str(script), "--", *(str(argument) for argument in arguments)]
        return self._start(
            words,
            resources=self.user_resources(extension_zip),
            env={"DISPLAY": display},
            blend=blend,
        ).wait(timeout_s)

    def user_resources(self, extension_zip: Path | None = None) -> Path:
        """Return a fresh user folder for Blender, with the extension installed if one is given.

        The installation itself happens once for each zip; further folders are copies.
        """
        folder = self._folder("user")
        if extension_zip:
            shutil.copytree(self._installed(extension_zip), folder, dirs_exist_ok=True)
        return folder

    def _installed(self, extension_zip: Path) -> Path:
        digest = hashlib.sha256(extension_zip.read_bytes()).hexdigest()[:16]
        template = self.work / f"{self.name}-installed-{digest}"
        if template.exists():
            return template
        aside = self._folder("installing")
        if self.kind == "wheel":
            script = self._folder("run") / "nothing.py"
            script.write_text("")
            process = self._start_request(
                script.parent,
                {
                    "script": str(script),
                    "arguments": [],
                    "install": str(extension_zip.absolute()),
                    "extension": EXTENSION,
                },
                resources=aside,
            )
        else:
            words = ["--command", "extension", "install-file", "--repo", "user_default", "--enable"]
            process = self._start(
                [*words, str(extension_zip.absolute())], resources=aside, blend=extension_zip
            )
        process.wait(120).check()
        aside.rename(template)
        return template

    def _folder(self, purpose: str) -> Path:
        folder = self.work / f"{self.name}-{purpose}-{next(_NUMBERS)}"
        folder.mkdir(parents=True)
        return folder

    def _start_request(
        self,
        run_folder: Path,
        request: dict[str, Any],
        *,
        resources: Path,
        blend: Path | None = None,
        env: Mapping[str, str] | None = None,
        show: bool = False,
    ) -> HostProcess:
        result = run_folder / "result.json"
        request = {"install": None, "open": None, "result": str(result), **request}
        if self.kind == "wheel":
            request["open"] = str(blend.absolute()) if blend else None
            words = [str(BOOTSTRAP)]
        else:
            scene = [str(blend.absolute())] if blend else []
            words = ["-b", *scene, "--python-exit-code", "1", "--python", str(BOOTSTRAP)]
        request_file = run_folder / "request.json"
        request_file.write_text(json.dumps(request))
        env = {**(env or {}), "MIXDIFF_HOST_REQUEST": str(request_file)}
        return self._start(
            words, resources=resources, env=env, blend=blend, result=result, show=show
        )

    def _start(
        self,
        words: Sequence[str],
        *,
        resources: Path,
        env: Mapping[str, str] | None = None,
        blend: Path | None = None,
        result: Path | None = None,
        show: bool = False,
    ) -> HostProcess:
        variables = {
            **_clean_environment(),
            "BLENDER_USER_RESOURCES": str(resources),
            "MIXDIFF_ENGINE_PYTHON": str(self.engine_python),
            # Mesa maps a file of its cache into memory, which other Blenders change meanwhile.
            "MESA_SHADER_CACHE_DIR": str(self.work / f"shaders-{self.name}"),
            **(env or {}),
        }
        words = [str(self.program), *words]
        if self.root:
            variables = debian.environment(variables)
            near = [blend.absolute().parent] if blend else []
            folders = [CHECKOUT, self.work, Path(tempfile.gettempdir()), Path.home(), *near]
            folders += debian.python_folders(self.engine_python)
            words = debian.command(self.root, words, folders=folders, work=Path.cwd())
        # Files, not pipes: nobody has to read along while the host runs.
        printed = self._folder("printed")
        stdout, stderr = printed / "stdout.txt", None if show else printed / "stderr.txt"
        with stdout.open("wb") as out, stderr.open("wb") if stderr else nullcontext() as err:
            process = subprocess.Popen(
                words,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        return HostProcess(
            name=self.name,
            command=tuple(words),
            process=process,
            stdout=stdout,
            stderr=stderr,
            result=result,
            user_resources=resources,
        )


def find_host(name: str, *, environments: Path, engine_python: Path, work: Path) -> Host:
    """Return the host of a name such as "bpy-4.2", "blender-5.2" or "blender".

    Raises:
        HostMissingError: this machine has no such host.
    """
    kind: Literal["wheel", "executable"] = "executable"
    root: Path | None = None
    if name in WHEEL_NAMES:
        kind = "wheel"
        program = environments / name / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        if not (environments / name / "mixdiff-stamp.json").exists():
            raise HostMissingError(f"{environments / name} is not there; `build.py test` makes it")
        major, minor = name.removeprefix("bpy-").split(".")
        version = (int(major), int(minor))
    elif suite := debian.SUITES.get(name):
        try:
            root = debian.ensure_root(suite)
        except debian.DebianError as error:
            raise HostMissingError(str(error)) from error
        program = Path("/usr/bin/blender")
        version = _executable_version(debian.command(root, [str(program)]), root)
        if name != f"blender-{version[0]}.{version[1]}":
            found_version = ".".join(map(str, version))
            raise HostMissingError(f"Debian {suite} holds Blender {found_version} (in {root})")
    else:
        found = blender_on_path()
        if not found:
            raise HostMissingError("no `blender` on the PATH and none named in MIXDIFF_BLENDER")
        program = Path(found)
        version = _executable_version([found], None)
    return Host(
        name=name,
        version=version,
        kind=kind,
        program=program,
        root=root,
        work=work,
        engine_python=engine_python,
    )


def all_names() -> list[str]:
    """Return the names of the hosts that tests may run in."""
    return [*WHEEL_NAMES, *EXECUTABLE_NAMES, *([PATH_NAME] if blender_on_path() else [])]


def blender_on_path() -> str | None:
    """Return the Blender that the person using this machine means, if there is one."""
    return os.environ.get("MIXDIFF_BLENDER") or shutil.which("blender")


def _executable_version(command: Sequence[str], root: Path | None) -> tuple[int, int]:
    env = _clean_environment()
    done = subprocess.run(
        [*command, "--version"],
        env=debian.environment(env) if root else env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if not (match := re.search(r"Blender (\d+)\.(\d+)", done.stdout)):
        raise HostMissingError(f"{command[-1]} --version said {done.stdout + done.stderr!r}")
    return int(match[1]), int(match[2])


def _clean_environment() -> dict[str, str]:
    """Return this process's variables without those that would steer a Blender or its Python."""
    steering = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PYTEST_CURRENT_TEST")
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("BLENDER_") and name not in steering
    }
