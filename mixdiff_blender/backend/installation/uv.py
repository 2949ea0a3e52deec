"""Finds uv, fetches it where there is none, and reads its progress."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ...storage.processes import FailedProgram, answer_of, lines_of
from .faults import explained
from .plan import python_in

UV_VARIABLE = "MIXDIFF_UV"
REQUIREMENTS = Path(__file__).with_name("uv-requirements.txt")

_OLDEST = (0, 8)
_ASK_S = 30
_UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_BEGUN = re.compile(r"^Downloading (\S+) \(([\d.]+)(B|KiB|MiB|GiB)\)")
_ENDED = re.compile(r"^Downloaded (\S+)")


@dataclass(slots=True)
class Downloads:
    """What uv says of its downloads; it tells of the larger ones alone."""

    sizes: dict[str, int] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)

    def hear(self, line: str) -> None:
        """Take in one line."""
        line = line.strip()
        if found := _BEGUN.match(line):
            self.sizes[found[1]] = int(float(found[2]) * _UNITS[found[3]])
        elif found := _ENDED.match(line):
            self.done.add(found[1])

    @property
    def total_bytes(self) -> int:
        """The size of all that was begun."""
        return sum(self.sizes.values())

    @property
    def done_bytes(self) -> int:
        """The size of all that has arrived whole."""
        return sum(size for name, size in self.sizes.items() if name in self.done)


def find_uv(variables: Mapping[str, str], tools: Path) -> Path | None:
    """Return a uv that is recent enough: the one that is named, on the PATH, or fetched before."""
    fetched = python_in(tools / "uv").with_name("uv.exe" if sys.platform == "win32" else "uv")
    names = [variables.get(UV_VARIABLE), shutil.which("uv", path=variables.get("PATH")), fetched]
    for name in names:
        if name and _version(str(name)) >= _OLDEST:
            return Path(name)
    return None


def _version(uv: str) -> tuple[int, ...]:
    answer = answer_of([uv, "--version"], timeout_s=_ASK_S) or ""
    found = re.match(r"uv (\d+)\.(\d+)", answer)
    return (int(found[1]), int(found[2])) if found else ()


def fetch_uv(
    variables: Mapping[str, str],
    tools: Path,
    *,
    offline: bool,
    is_cancelled: Callable[[], bool],
) -> Iterator[str]:
    """Put uv into an environment of its own, with pip, which knows its own settings.

    Raises: EngineError where that fails; Cancelled.
    """
    new = tools / "uv.new"
    shutil.rmtree(new, ignore_errors=True)
    tools.mkdir(parents=True, exist_ok=True)
    install = ["install", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:"]
    install += ["--require-hashes", "-r", str(REQUIREMENTS), *(["--no-index"] if offline else [])]
    commands: list[list[str | Path]] = [
        [sys.executable, "-I", "-m", "venv", new],
        [python_in(new), "-I", "-m", "pip", *install],
    ]
    try:
        for command in commands:
            yield from lines_of(command, variables, is_cancelled=is_cancelled)
    except FailedProgram as error:
        explanation = explained("uv, which installs the engine, cannot be fetched", error.output)
        explanation.advice += "\nor install uv yourself (its manual says how) and try again"
        raise explanation from error
    shutil.rmtree(tools / "uv", ignore_errors=True)
    new.rename(tools / "uv")
