"""Runs inside a Blender: pytest for the tests beside this file, with a note as each has ended."""

import json
import os
import sys
from pathlib import Path
from typing import Any

libraries, notes, folder, *wanted = sys.argv[1:]
os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
sys.path.insert(0, libraries)

import pytest  # noqa: E402

INSIDE = Path(__file__).parent


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


sys.exit(
    pytest.main(
        [
            *sorted({str(INSIDE / test.partition("::")[0]) for test in wanted}),
            *(
                "-c",
                str(INSIDE.parents[2] / "pyproject.toml"),
                "--rootdir",
                str(INSIDE),
                "--confcutdir",
                str(INSIDE),
            ),
            *("-o", "addopts=", "-o", "pythonpath=", "-o", "timeout=240"),
            *("-p", "pytest_timeout", "-p", "no:cacheprovider", "-p", "inside_fixtures"),
            *("--continue-on-collection-errors", "--strict-markers", "--basetemp", folder),
            *("--quiet", "--tb=short", "--no-summary"),
        ],
        plugins=[Notes(notes)],
    )
)
