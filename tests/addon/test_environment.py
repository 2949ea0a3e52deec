"""Which Python runs the engine, and how."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from engine.contract.errors import EngineError
from mixdiff_blender.backend.environment import (
    PYTHON_VARIABLE,
    choose_python,
    engine_launch,
    own_python,
)


def test_the_variable_goes_before_the_preference_and_both_before_our_own(tmp_path: Path) -> None:
    own = own_python(tmp_path)
    named, preferred = tmp_path / "named", tmp_path / "preferred"
    for path in (own, named, preferred):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    variables = {PYTHON_VARIABLE: str(named)}

    def chosen(variables: dict[str, str], preference: str) -> Path:
        found = choose_python(variables=variables, preference=preference, user_folder=tmp_path)
        return found.path

    assert chosen(variables, str(preferred)) == named
    assert chosen({}, str(preferred)) == preferred
    assert chosen({}, "") == own


def test_a_python_that_is_not_there_says_who_named_it(tmp_path: Path) -> None:
    for variables, preference, says in (
        ({PYTHON_VARIABLE: "/nowhere"}, "", PYTHON_VARIABLE),
        ({}, "/nowhere", "preferences"),
        ({}, "", "not installed"),
    ):
        with pytest.raises(EngineError, match=says) as caught:
            choose_python(variables=variables, preference=preference, user_folder=tmp_path)
        assert caught.value.kind == "environment"
        assert caught.value.advice


def test_files_beside_the_engine_and_foreign_variables_shadow_no_library(tmp_path: Path) -> None:
    for name in ("json.py", "cli.py", "torch.py"):
        (tmp_path / name).write_text("raise SystemExit('shadowed')")
    launch = engine_launch(Path(sys.executable), {"PYTHONPATH": str(tmp_path), "PATH": ""})
    command = [*launch.command[:-1], "info", "--json", "--device", "cpu"]
    done = subprocess.run(
        command, env=dict(launch.environment), cwd=tmp_path, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert b'"engine"' in done.stdout
