"""The workflow of the public CI names verbs, paths, markers and Pythons that there are."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from building.environments import BPY, ENGINE
from building.programs import CHECKOUT
from building.verbs import build_parser
from mixdiff_blender.backend.installation.uv import REQUIREMENTS

WORKFLOWS = sorted((CHECKOUT / ".github/workflows").glob("*.yml"))
PINNED = re.compile(r"uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")


def jobs() -> dict[str, Any]:
    return {
        f"{path.stem} {name}": job
        for path in WORKFLOWS
        for name, job in yaml.safe_load(path.read_text())["jobs"].items()
    }


def commands() -> Iterator[list[str]]:
    """Every command of every step, as words."""
    for job in jobs().values():
        for step in job["steps"]:
            for line in step.get("run", "").replace("\\\n", " ").splitlines():
                yield shlex.split(line)


def build_calls() -> list[list[str]]:
    return [words[2:] for words in commands() if words[1:2] == ["build.py"]]


def test_there_is_a_job_that_runs_what_the_own_ci_runs() -> None:
    assert [".ci/run"] in list(commands())


@pytest.mark.parametrize("words", build_calls(), ids=" ".join)
def test_build_py_has_the_verb_and_the_tests_are_there(words: list[str]) -> None:
    chosen, rest = build_parser().parse_known_args(words)
    assert chosen.verb == "test" or not rest
    paths = [word for word in rest if "/" in word]
    assert all(any((CHECKOUT / path).rglob("test_*.py")) for path in paths), paths
    assert {"-m", "--collect-only", "--quiet"} >= {word for word in rest if word.startswith("-")}


def test_every_marker_is_one_of_ours() -> None:
    settings = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
    ours = {line.split(":")[0] for line in settings["tool"]["pytest"]["ini_options"]["markers"]}
    asked = [words[words.index("-m") + 1] for words in build_calls() if "-m" in words]
    named = {word for text in asked for word in re.findall(r"\w+", text)} - {"not", "and", "or"}
    assert named
    assert named <= ours


def test_every_folder_of_tests_is_run_on_windows_and_macos_too() -> None:
    folders = {path.parent for path in (CHECKOUT / "tests").glob("*/test_*.py")}
    named = {CHECKOUT / word for words in build_calls() for word in words if "/" in word}
    assert named == folders


def test_no_job_of_a_matrix_ends_the_others_and_no_step_the_next() -> None:
    for job in jobs().values():
        if strategy := job.get("strategy"):
            assert strategy["fail-fast"] is False
        tests = [step for step in job["steps"] if "build.py test tests" in step.get("run", "")]
        assert all(step["if"] == "${{ !cancelled() }}" for step in tests)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_to_commits_and_files_of_cache_keys_are_there(path: Path) -> None:
    text = path.read_text()
    used = re.findall(r"uses: .*", text)
    assert used
    assert [line for line in used if not PINNED.fullmatch(line)] == []
    keys = re.findall(r"hashFiles\((.*?)\)", text)
    named = {name for key in keys for name in re.findall(r"'(.*?)'", key)}
    for job in yaml.safe_load(text)["jobs"].values():
        for step in job["steps"]:
            named |= set(step.get("with", {}).get("cache-dependency-path", "").split())
    assert named
    assert {name for name in named if not (CHECKOUT / name).is_file()} == set()


def test_the_pythons_and_the_uv_are_those_that_are_needed() -> None:
    steps = jobs()["tests elsewhere"]["steps"]
    setup = next(step for step in steps if "setup-python" in step.get("uses", ""))
    given = setup["with"]["python-version"].split()
    assert {environment.pythons[0] for environment in (ENGINE, *BPY)} == set(given)
    assert given[-1] == ENGINE.pythons[0]  # the last one is `python`
    locked = re.findall(r"uv==[\d.]+", REQUIREMENTS.read_text())
    assert re.findall(r"uv==[\d.]+", WORKFLOWS[0].read_text()) == locked
