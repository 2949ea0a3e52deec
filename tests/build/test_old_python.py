"""Under a Python that is too old build.py says which one it needs."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from building.environments import python_candidates, python_version
from building.programs import CHECKOUT

NEEDS = "build.py needs Python 3.11 or newer, and "


def older_pythons() -> list[str]:
    """The older Pythons of this machine, one of each minor version."""
    found = []
    for minor in range(6, 11):
        candidates = python_candidates(f"3.{minor}")
        found += [next((python for python in candidates if python_version(python)), "")]
    return [python for python in found if python]


def test_the_file_itself_parses_under_the_oldest_syntax_that_can_be_asked_for() -> None:
    tree = ast.parse((CHECKOUT / "build.py").read_text(), feature_version=(3, 4))
    futures = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert all(node.module != "__future__" for node in futures)  # `annotations` is of 3.7


@pytest.mark.parametrize("python", older_pythons(), ids=lambda path: Path(path).name)
def test_an_older_python_is_named_and_the_verb_to_repeat(python: str) -> None:
    done = subprocess.run(
        [python, CHECKOUT / "build.py", "zip"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(NEEDS)
    assert "`python3.11 build.py zip`" in done.stderr


def test_it_is_the_version_that_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    code = (CHECKOUT / "build.py").read_text()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "version_info", (3, 8, 18))
        patch.setattr(sys, "argv", ["build.py", "demo"])
        with pytest.raises(SystemExit) as caught:
            exec(compile(code, "build.py", "exec"), {"__name__": "build"})
    assert str(caught.value).startswith(NEEDS)
    assert "is Python 3.8; run it" in str(caught.value)
