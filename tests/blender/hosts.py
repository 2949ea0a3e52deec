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
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tests.blender import debian

CHECKOUT = Path(__file__).resolve().parents[2]
BOOTSTRAP = Path(__file__).with_name("bootstrap.py")
EXTENSION = "bl_ext.user_default.mixdiff"
WHEEL_NAMES = ("bpy-4.2", "bpy-4.5", "bpy-5.0", "bpy-5.2")
PATH_NAME = "blender"  # the one on the PATH, or named in MIXDIFF_BLENDER
EXECUTABLE_NAMES = tuple(debian.SUITES)

_NUMBERS = itertools.count(1)


class HostMissingError(Exception):
    """A host is not on this machine; the message says why."""


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
            AssertionError: it did not; with everything that it printed.
        """
        if self.returncode != 0:
            raise AssertionError(f"exit code {self.returncode}\n{self.output}")
        return self

    @property
    def output(self) -> str:
        """Everything printed, for messages."""
        return f"--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}"


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

    def run_python(
        self,
        script: Path | str,
        *arguments: str | Path,
        extension_zip: Path | None = None,
        blend: Path | None = None,
        env: Mapping[str, str] | None = None,
        timeout_s: float = 120,
        user_resources: Path | None = None,
        show: bool = False,
    ) -> HostRun:
        """Run a script (a path, or its source) inside this Blender.

        The script finds `report(value)` among its globals: the JSON value becomes `result`.
        `user_resources` keeps Blender's user folder from one run to the next; without it every
        run gets a fresh one, in which the extension is installed if a zip is given.
        With `show` the script prints to the terminal instead of into the result.
        """
        resources = user_resources or self.user_resources(extension_zip)
        run_folder = self._folder("run")
        if isinstance(script, str):
            source, script = script, run_folder / "script.py"
            script.write_text(source)
        return self._run_request(
            run_folder,
            {
                "script": str(Path(script).absolute()),
                "arguments": [str(argument) for argument in arguments],
                "extension": EXTENSION if extension_zip else None,
            },
            resources=resources,
            blend=blend,
            env=env,
            timeout_s=timeout_s,
            show=show,
        )

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
        if self.kind == "wheel":
            raise HostMissingError(f"{self.name} is a bpy wheel: it has no command line")
        resources = user_resources or self.user_resources(extension_zip)
        words = ["-b", *([str(blend)] if blend else []), *(str(word) for word in arguments)]
        return self._run(words, resources=resources, env=env, timeout_s=timeout_s, blend=blend)

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
            done = self._run_request(
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
            done = self._run(
                [*words, str(extension_zip.absolute())], resources=aside, blend=extension_zip
            )
        done.check()
        aside.rename(template)
        return template

    def _folder(self, purpose: str) -> Path:
        folder = self.work / f"{self.name}-{purpose}-{next(_NUMBERS)}"
        folder.mkdir(parents=True)
        return folder

    def _run_request(
        self,
        run_folder: Path,
        request: dict[str, Any],
        *,
        resources: Path,
        blend: Path | None = None,
        env: Mapping[str, str] | None = None,
        timeout_s: float = 120,
        show: bool = False,
    ) -> HostRun:
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
        return self._run(
            words,
            resources=resources,
            env=env,
            timeout_s=timeout_s,
            blend=blend,
            result=result,
            show=show,
        )

    def _run(
        self,
        words: Sequence[str],
        *,
        resources: Path,
        env: Mapping[str, str] | None = None,
        timeout_s: float = 120,
        blend: Path | None = None,
        result: Path | None = None,
        show: bool = False,
    ) -> HostRun:
        variables = {
            **_clean_environment(),
            "BLENDER_USER_RESOURCES": str(resources),
            "MIXDIFF_ENGINE_PYTHON": str(self.engine_python),
            **(env or {}),
        }
        words = [str(self.program), *words]
        if self.root:
            variables = debian.environment(variables)
            near = [blend.absolute().parent] if blend else []
            folders = [CHECKOUT, self.work, Path(tempfile.gettempdir()), Path.home(), *near]
            folders += debian.python_folders(self.engine_python)
            words = debian.command(self.root, words, folders=folders, work=Path.cwd())
        process = subprocess.Popen(
            words,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=None if show else subprocess.PIPE,
            stderr=None if show else subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        try:
            stdout, stderr = process.communicate(timeout=timeout_s)
        except BaseException as error:
            _end(process)
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            stdout, stderr = process.communicate()
            raise HostTimeoutError(
                f"{self.name} was ended after {timeout_s:g} s\n"
                f"--- stdout\n{stdout}\n--- stderr\n{stderr}"
            ) from error
        value = json.loads(result.read_text()) if result and result.exists() else None
        return HostRun(
            command=tuple(words),
            stdout=stdout or "",
            stderr=stderr or "",
            returncode=process.returncode,
            result=value,
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


def _end(process: subprocess.Popen[str]) -> None:
    if sys.platform == "win32":
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGKILL)
