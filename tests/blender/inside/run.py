"""Runs inside a Blender: pytest for the tests beside this file, with a note as each has ended."""

import json
import os
import sys
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any

libraries, files, notes, folder, *wanted = sys.argv[1:]


class PytestFinder:
    """Finds pytest where the outer one lies, and nothing else that lies there.

    It is Python alone, and suits whatever Python a Blender has.
    """

    names = ("_pytest", "iniconfig", "packaging", "pluggy", "pygments", "pytest", "pytest_timeout")

    @classmethod
    def find_spec(cls, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Return where a module lies, if it is one of these."""
        return PathFinder.find_spec(name, [libraries]) if name in (*cls.names, "py") else None


sys.meta_path.append(PytestFinder)
os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"

import pytest  # noqa: E402


def function_of(nodeid: str) -> str:
    """Return a test's name without its parameters."""
    return nodeid.partition("[")[0]


class Notes:
    """Writes how each function went: all of its parameters are one to whoever reads."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._left: dict[str, int] = {}
        self._texts: list[str] = []
        self._outcomes: set[str] = set()

    def _note(self, **note: Any) -> None:
        with self._path.open("a") as file:
            file.write(json.dumps(note) + "\n")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._note(**{"not collected": report.nodeid}, text=report.longreprtext)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if function_of(item.nodeid) in wanted]
        for item in items:
            name = function_of(item.nodeid)
            self._left[name] = self._left.get(name, 0) + 1

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._note(begun=function_of(nodeid))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            printed = [f"--- {title}\n{text[-2000:]}" for title, text in report.sections]
            self._texts.append("\n".join([report.nodeid, report.longreprtext, *printed]))
        elif report.skipped:
            self._texts.append(report.longrepr[2] if report.longrepr else "")
        self._outcomes |= {report.outcome} if report.when == "call" or not report.passed else set()

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        name = function_of(nodeid)
        self._left[name] -= 1
        if self._left[name]:
            return
        worst = next(o for o in ("failed", "passed", "skipped") if o in self._outcomes)
        self._note(ended=name, outcome=worst, text="\n\n".join(self._texts))
        self._texts, self._outcomes = [], set()


OPTIONS = (
    "--quiet --tb=short --no-summary --strict-markers --continue-on-collection-errors "
    "-o addopts= -o pythonpath= -o timeout=240 "
    "-p pytest_timeout -p no:cacheprovider -p inside_fixtures"
)
PLACES = {
    "-c": Path(__file__).parents[3] / "pyproject.toml",
    "--rootdir": files,
    "--confcutdir": files,
    "--basetemp": folder,
}
paths = dict.fromkeys(str(Path(files) / test.partition("::")[0]) for test in wanted)
places = [word for option, place in PLACES.items() for word in (option, str(place))]
sys.exit(pytest.main([*paths, *OPTIONS.split(), *places], plugins=[Notes(notes)]))
