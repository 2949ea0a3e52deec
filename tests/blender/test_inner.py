"""Tests inside a Blender fail where they fail, and cost no other test its result."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.blender.hosts import Host
from tests.blender.inner import InsideRun

TESTS = """
import os
import bpy
import pytest

def test_passes():
    pass

@pytest.mark.parametrize("number", [1, 2, 3])
def test_fails(number):
    print("said before")
    assert number != 2

@pytest.fixture
def broken():
    raise ValueError("the fixture")

def test_has_a_broken_fixture(broken):
    pass

def test_is_skipped():
    pytest.skip("for a reason")

def test_ends_blender():
    print("its last words", flush=True)
    os._exit(7)

def test_comes_after():
    pass
"""


@pytest.fixture(scope="module")
def run(
    find_host: Callable[[str], Host],
    extension_zip: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> InsideRun:
    files = tmp_path_factory.mktemp("files")
    (files / "test_them.py").write_text(TESTS)
    (files / "test_broken.py").write_text("import nothing_of_that_name\n")
    names = [
        f"test_them.py::{line[4:].partition('(')[0]}"
        for line in TESTS.split("\n")
        if line.startswith("def test_")
    ]
    return InsideRun(
        host=find_host("bpy-4.5"),
        extension_zip=extension_zip,
        folder=tmp_path_factory.mktemp("run"),
        files=files,
        tests=["test_broken.py::test_of_it", *names],
    )


@pytest.mark.parametrize(
    ("test", "outcome", "text"),
    [
        ("test_broken.py::test_of_it", "failed", "No module named 'nothing_of_that_name'"),
        ("test_them.py::test_passes", "passed", ""),
        ("test_them.py::test_fails", "failed", "test_fails[2]"),
        ("test_them.py::test_fails", "failed", "assert 2 != 2"),
        ("test_them.py::test_fails", "failed", "said before"),
        ("test_them.py::test_has_a_broken_fixture", "failed", "ValueError: the fixture"),
        ("test_them.py::test_is_skipped", "skipped", "for a reason"),
        ("test_them.py::test_ends_blender", "failed", "ended with exit code 7"),
        ("test_them.py::test_comes_after", "passed", ""),
    ],
)
def test_each_has_its_own_outcome(test: str, outcome: str, text: str, run: InsideRun) -> None:
    found = run.wait_for(test)
    assert found["outcome"] == outcome
    assert text in found["text"]
