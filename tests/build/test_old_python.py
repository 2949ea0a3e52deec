"""Under a Python that is too old build.py says which one it needs."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

from building.environments import python_candidates, python_version
from building.programs import CHECKOUT

NEEDS = "build.py needs Python 3.11 or newer, and "


def older_pythons() -> list[str]:
    """The older Pythons of this machine, one of each minor version."""
    found = {
        version: python
        for version in (f"3.{minor}" for minor in range(6, 11))
        for python in python_candidates(version)
        if (python_version(python) or "").startswith(f"{version}.")
    }
    return [*found.values()]


def test_the_file_itself_parses_under_the_oldest_syntax_that_can_be_asked_for() -> None:
    tree = ast.parse((CHECKOUT / "build.py").read_text(), feature_version=(3, 4))
    futures = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert all(node.module != "__future__" for node in futures)  # `annotations` is of 3.7


@pytest.mark.parametrize("python", older_pythons(), ids=str)
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
