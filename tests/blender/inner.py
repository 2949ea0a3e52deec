"""Tests that run inside a Blender, each shown as a test of its own for each host.

The files in `inside/` import bpy, which this process has not: here they are read, not imported,
and a function with the name of each test waits for what came of it. One Blender a host runs all of
its tests with pytest (`inside/run.py`), and goes on by itself while others are waited for; where a
test has ended it, another one takes over.
"""

from __future__ import annotations

import ast
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.blender import hosts

INSIDE = Path(__file__).with_name("inside")
GROUPS = {
    "all": hosts.all_names(),
    "wheels": hosts.WHEEL_NAMES,
    "oldest and newest": (hosts.WHEEL_NAMES[0], hosts.WHEEL_NAMES[-1]),
}


def host_params(names: Sequence[str]) -> list[Any]:
    """Return the names of hosts as parameters of a test."""
    executable = pytest.mark.executable
    return [pytest.param(n, marks=() if n in hosts.WHEEL_NAMES else executable) for n in names]


class InsideModule(pytest.Module):
    """A file of tests that run inside a Blender; its `HOSTS` names one of GROUPS."""

    def _getobj(self) -> ModuleType:
        tree = ast.parse(self.path.read_text())
        module = ModuleType(self.path.stem)
        params = host_params(GROUPS[_constant(tree, "HOSTS")])
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                test = _waiting_for(f"{self.path.name}::{node.name}")
                for mark in node.decorator_list:
                    if isinstance(mark, ast.Attribute) and ast.unparse(mark.value) == "pytest.mark":
                        test = getattr(pytest.mark, mark.attr)(test)
                as_host = pytest.mark.parametrize("host", params, indirect=True, scope="session")
                setattr(module, node.name, as_host(test))
        return module


def _constant(tree: ast.Module, name: str) -> str:
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return str(ast.literal_eval(node.value))
    raise ValueError(f"{name} is missing; it is one of {', '.join(GROUPS)}")


def _waiting_for(name: str) -> Callable[..., None]:
    def test(host: hosts.Host, inside: Callable[[hosts.Host], InsideRun]) -> None:
        outcome = inside(host).wait_for(name)
        if outcome["outcome"] == "failed":
            pytest.fail(outcome["text"], pytrace=False)
        if outcome["outcome"] == "skipped":
            pytest.skip(outcome["text"])

    return test


def tests_of(host_name: str, items: Sequence[pytest.Item]) -> list[str]:
    """Return which of a session's tests run inside a host, as its pytest names them."""
    return [
        f"{item.path.name}::{item.originalname}"
        for item in items
        if isinstance(item, pytest.Function)
        and isinstance(item.parent, InsideModule)
        and item.callspec.params["host"] == host_name
    ]


def sort_by_host(items: list[pytest.Item]) -> None:
    """Let one Blender after the other run its tests, whatever stands between them."""
    names = hosts.all_names()
    places = [n for n, item in enumerate(items) if isinstance(item.parent, InsideModule)]
    inside: list[Any] = [items[place] for place in places]
    inside.sort(key=lambda item: names.index(item.callspec.params["host"]))
    for place, item in zip(places, inside, strict=True):
        items[place] = item


@dataclass(slots=True, kw_only=True)
class InsideRun:
    """The tests of one host on their way, and what came of those that have ended."""

    host: hosts.Host
    extension_zip: Path
    folder: Path
    tests: list[str]
    files: Path = INSIDE
    env: Mapping[str, str] = field(default_factory=dict)
    _outcomes: dict[str, dict[str, str]] = field(default_factory=dict)
    _process: hosts.HostProcess | None = None
    _read: int = 0
    _running: str | None = None

    def wait_for(self, test: str) -> dict[str, str]:
        """Return what came of a test: its outcome, and what is to be said about it."""
        try:
            while test not in self._outcomes:
                process = self._process or self._start()
                is_running = process.is_running  # before the notes are read: then none is missed
                self._take_notes()
                if not is_running and test not in self._outcomes:
                    self._blame(process.wait(0))
                time.sleep(0.02)
        except BaseException:  # its time is up, or nobody waits any more
            self.end()
            raise
        return self._outcomes[test]

    def end(self) -> None:
        """End the Blender if it still runs."""
        if self._process:
            self._process.end()

    def _start(self) -> hosts.HostProcess:
        self._notes.write_text("")
        self._read = 0
        self._process = self.host.start_python(
            INSIDE / "run.py",
            Path(pytest.__file__).parents[1],
            self.files,
            self._notes,
            self.folder / "tmp",
            *self._left(),
            extension_zip=self.extension_zip,
            env=self.env,
        )
        return self._process

    def _left(self) -> list[str]:
        return [test for test in self.tests if test not in self._outcomes]

    @property
    def _notes(self) -> Path:
        return self.folder / "notes.jsonl"

    def _take_notes(self) -> None:
        *lines, _ = self._notes.read_text().split("\n")  # the last one is still being written
        for line in lines[self._read :]:
            match json.loads(line):
                case {"begun": test}:
                    self._running = test
                case {"ended": test, "outcome": outcome, "text": text}:
                    self._running = None
                    self._outcomes[test] = {"outcome": outcome, "text": text}
                case {"not collected": file, "text": text}:
                    for test in self.tests:
                        if test.startswith(file):
                            self._outcomes[test] = {"outcome": "failed", "text": text}
        self._read = len(lines)

    def _blame(self, run: hosts.HostRun) -> None:
        """Let the test fail that Blender ended with, or all that are left if none was running."""
        text = f"{self.host.name} ended with exit code {run.returncode}\n{run.output}"
        for test in [self._running] if self._running else self._left():
            self._outcomes[test] = {"outcome": "failed", "text": text}
        self._process = self._running = None
