"""Installs the engine's environment: in a new folder, in its place only once it is complete."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ...contract import ENGINE_FOLDER, EngineError, atomic_write
from ...storage.processes import FailedProgram, lines_of
from ..background_task import TaskProgress
from .accelerators import torch_build
from .faults import explained, space_fault
from .locking import exclusive_lock
from .plan import RAY, RAY_SIZES, STAMP, InstallPlan, python_in, read_stamp, size_of
from .pythons import find_python
from .settings import local_wheels, uv_variables
from .uv import Downloads, fetch_uv, find_uv

STEPS = (
    "Looking for uv",
    "Looking for a Python",
    "Making the environment",
    "Fetching the packages",
    "Fetching PyTorch",
    "Trying it out",
)
RAY_STEP = "Fetching Ray"
_ENGINE_LINK = "mixdiff-engine.pth"
_IS_WINDOWS = sys.platform == "win32"
_LARGER_BUILD = "PyTorch's own index is out of reach: fetching the larger build from PyPI"
_MEASURE_EVERY_S = 2.0
_NEW = "environment.new-"

Command = list[str | Path]

# PyTorch's index is out of reach as a whole: no such name, no connection, or a proxy that refuses.
_OUT_OF_REACH = re.compile(
    r"(?i)dns error|failed to lookup|client error \(connect\)|tunnel|status client error \(40[37]"
)


def install(
    plan: InstallPlan,
    *,
    variables: Mapping[str, str],
    offline: bool = False,
    afresh: bool = False,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[TaskProgress]:
    """Install, and yield what happens; what had arrived before a cut is not fetched again.

    `afresh` fetches everything again, also what seems to be there. An environment that is used
    stays as it is until the new one is complete.

    Raises: EngineError of kind `network`, `disk`, `busy` or `environment`; Cancelled.
    """
    with _undisturbed(plan, "written", "make room there, and allow writing, then install again"):
        if afresh:
            shutil.rmtree(plan.tools, ignore_errors=True)
        yield from _Installation(plan, variables, offline, is_cancelled).run()


def install_ray(
    plan: InstallPlan,
    *,
    variables: Mapping[str, str],
    offline: bool = False,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[TaskProgress]:
    """Add Ray to the environment, and yield what happens; nothing else of it changes.

    Raises: EngineError of kind `network`, `disk`, `busy` or `environment`; Cancelled.
    """
    with _undisturbed(plan, "written", "make room there, and allow writing, then install again"):
        yield from _Installation(plan, variables, offline, is_cancelled).add_ray()


def remove(plan: InstallPlan) -> None:
    """Remove the environment, uv, its cache, and the Pythons that it fetched.

    Raises: EngineError of kind `busy` while somebody installs, or `disk`.
    """
    with _undisturbed(plan, "removed", "stop the engine, in every Blender, and try again"):
        if plan.environment.exists():
            plan.environment.rename(plan.previous)
        shutil.rmtree(plan.previous, ignore_errors=True)
        shutil.rmtree(plan.tools, ignore_errors=True)


@contextmanager
def _undisturbed(plan: InstallPlan, goal: str, advice: str) -> Iterator[None]:
    """Keep others out, begin from what is whole, and say what to do where a file cannot be so."""
    try:
        with exclusive_lock(plan.folder / "installation.lock"):
            _clear_up(plan)
            yield
    except OSError as error:
        message = f"{error.filename or plan.folder} cannot be {goal}: {error.strerror or error}"
        raise EngineError(message, kind="disk", advice=advice) from error


def _clear_up(plan: InstallPlan) -> None:
    """Take away what an interrupted installation left, and put back what it had moved."""
    if plan.previous.exists():
        if not plan.environment.exists() and read_stamp(plan.previous):
            plan.previous.rename(plan.environment)
        else:
            shutil.rmtree(plan.previous, ignore_errors=True)
    for left in plan.folder.glob(f"{_NEW}*"):
        shutil.rmtree(left, ignore_errors=True)


class _Installation:
    """One installation, under the lock."""

    def __init__(
        self,
        plan: InstallPlan,
        variables: Mapping[str, str],
        offline: bool,
        is_cancelled: Callable[[], bool],
    ) -> None:
        self._plan = plan
        self._offline = offline
        self._is_cancelled = is_cancelled
        self._has_ray = False
        self._cache = plan.tools / "cache"
        self._pythons = plan.tools / "pythons"
        self._variables = uv_variables(
            variables, cache=self._cache, pythons=self._pythons, offline=offline
        )

    def add_ray(self) -> Iterator[TaskProgress]:
        plan = self._plan
        if plan.state() == "absent":
            message = "Ray cannot be installed without the engine"
            raise EngineError(message, kind="environment", advice="install the engine first")
        self._check_space(RAY_SIZES.needed)
        uv = yield from self._find_uv()
        yield from self._install_ray(uv, plan.environment)
        self._stamp(plan.environment, read_stamp(plan.environment))

    def _install_ray(self, uv: Path, environment: Path) -> Iterator[TaskProgress]:
        python, title = python_in(environment), RAY_STEP
        into: Command = [uv, "pip", "install", "--python", python]
        locked = [*into, "--require-hashes", "--no-deps", "-r", self._plan.ray_lock]
        yield from self._do(3, "Ray cannot be installed", locked, title)
        # Ray starts engines itself, on each machine by the environment that it was started in. The
        # end of the search path, as for the engine that Blender starts.
        (site,) = environment.glob("Lib/site-packages" if _IS_WINDOWS else "lib/*/site-packages")
        (site / _ENGINE_LINK).write_text(f"{ENGINE_FOLDER.parent}\n", encoding="utf-8")
        check: Command = [python, "-I", "-c", self._plan.ray_check]
        yield from self._do(5, "Ray is installed but does not work", check, title)
        self._has_ray = True

    def run(self) -> Iterator[TaskProgress]:
        plan = self._plan
        self._check_space(plan.needed_bytes)
        # A name of its own: a uv whose Blender was killed may still write into the former one.
        new = plan.folder / f"{_NEW}{secrets.token_hex(4)}"
        try:
            uv = yield from self._find_uv()

            yield TaskProgress(title=STEPS[1])
            python = yield from self._find_python(uv)
            venv: Command = [uv, "venv", "--relocatable", "--no-config", "--python", python, new]
            yield from self._do(2, "the environment cannot be made", venv)

            into: Command = [uv, "pip", "install", "--python", python_in(new)]
            locked = [*into, "--require-hashes", "--no-deps", "-r", plan.lock]
            yield from self._do(3, "the packages cannot be installed", locked)
            yield from self._install_torch(into)
            if RAY in read_stamp(plan.environment):  # what was asked for once stays
                yield from self._install_ray(uv, new)

            check: Command = [python_in(new), "-I", "-c", plan.check]
            yield from self._do(5, "the engine's packages are installed but do not work", check)
            self._finish(new)
        finally:
            shutil.rmtree(new, ignore_errors=True)

    def _find_uv(self) -> Generator[TaskProgress, None, Path]:
        tools = self._plan.tools
        yield TaskProgress(title=STEPS[0])
        uv = find_uv(self._variables, tools)
        if uv is None:
            for _ in fetch_uv(
                self._variables, tools, offline=self._offline, is_cancelled=self._is_cancelled
            ):
                yield TaskProgress(title=STEPS[0])
            uv = find_uv(self._variables, tools)
        if uv is None:
            raise EngineError("uv does not run here", kind="environment", advice="install uv")
        return uv

    def _check_space(self, whole: int) -> None:
        self._plan.folder.mkdir(parents=True, exist_ok=True)
        needed = max(whole - size_of([self._cache]), whole // 10)
        free = shutil.disk_usage(self._plan.folder).free
        if free < needed:
            raise space_fault(free, needed, self._plan.folder)

    def _find_python(self, uv: Path) -> Generator[TaskProgress, None, Path]:
        plan = self._plan
        found = find_python(plan.pythons, self._variables, fetched=self._pythons)
        if found is None and not self._offline:
            fetch: Command = [uv, "python", "install", plan.pythons[0]]
            wanted = " or ".join(plan.pythons)
            yield from self._do(1, f"Python {wanted} is not here and cannot be fetched", fetch)
            found = find_python(plan.pythons, self._variables, fetched=self._pythons)
        if found is None:
            raise EngineError(
                f"there is no Python {' or '.join(plan.pythons)} on this computer",
                kind="environment",
                advice="allow online access so that one can be fetched, or install one from "
                "python.org, then install again",
            )
        return found

    def _install_torch(self, into: Command) -> Iterator[TaskProgress]:
        """Install PyTorch: by the hashes of a lock wherever one knows the build."""
        plan, what = self._plan, "PyTorch cannot be installed"
        package, _, version = plan.torch.partition("==")
        wheels = local_wheels(self._variables)
        if any(any(folder.glob(f"{package}-{version}*.whl")) for folder in wheels):
            yield from self._do(4, what, [*into, plan.torch])
            return
        hashed = [*into, "--require-hashes", "--no-deps", "-r"]
        title = ""
        if not self._offline and (command := self._from_torchs_index(into, hashed)):
            try:
                yield from self._run(4, command)
            except FailedProgram as error:
                if not _OUT_OF_REACH.search(error.output):
                    raise explained(what, error.output) from error
                title = _LARGER_BUILD
            else:
                return
        yield from self._do(4, what, [*hashed, plan.torch_lock], title)

    def _from_torchs_index(self, into: Command, hashed: Command) -> Command | None:
        """Return what fetches the build for this computer, unless it is the published one."""
        if "UV_TORCH_BACKEND" in self._variables:  # which uv reads itself
            return [*into, self._plan.torch]
        match self._plan.torch_build or torch_build():
            case "chosen":
                return [*into, self._plan.torch, "--torch-backend=auto"]
            case "cpu":
                return [*hashed, self._plan.torch_cpu_lock, "--torch-backend=cpu"]
            case "published":
                return None

    def _do(
        self, step: int, what: str, command: Command, title: str = ""
    ) -> Iterator[TaskProgress]:
        try:
            yield from self._run(step, command, title)
        except FailedProgram as error:
            raise explained(what, error.output) from error

    def _run(self, step: int, command: Command, title: str = "") -> Iterator[TaskProgress]:
        """Run a program as one step, and yield how much has arrived."""
        title = title or STEPS[step]
        downloads = Downloads()
        before = size_of([self._cache])
        grown, measured_at = 0, time.monotonic()
        yield TaskProgress(title=title)
        for line in lines_of(command, self._variables, is_cancelled=self._is_cancelled):
            downloads.hear(line)
            total = downloads.total_bytes
            if total and time.monotonic() - measured_at > _MEASURE_EVERY_S:
                grown = size_of([self._cache]) - before
                measured_at = time.monotonic()
            arrived = max(downloads.done_bytes, min(grown, total))
            yield TaskProgress(title=title, done_bytes=arrived, total_bytes=total)

    def _finish(self, new: Path) -> None:
        """Note that the environment is complete, and give it its place."""
        plan = self._plan
        self._stamp(new, {"digest": plan.digest, "torch": plan.torch})
        if plan.environment.exists():
            plan.environment.rename(plan.previous)
        new.rename(plan.environment)
        shutil.rmtree(plan.previous, ignore_errors=True)

    def _stamp(self, environment: Path, stamp: Mapping[str, Any]) -> None:
        """Note what is in an environment."""
        ray = {RAY: self._plan.ray_digest} if self._has_ray else {}
        with atomic_write(environment / STAMP) as file:
            file.write(json.dumps({**stamp, **ray}, indent=2).encode() + b"\n")
