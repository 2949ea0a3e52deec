"""How torch's threads wait, as their own library tells it."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from engine.process.threads import POLICY_VARIABLE, SPINS_VARIABLE
from tests.engine.worker_process import CHECKOUT

CHOICES = (POLICY_VARIABLE, SPINS_VARIABLE)


def spins(**chosen: str) -> int:
    """How often a thread that waits looks again before it gives the processor up."""
    variables = {name: value for name, value in os.environ.items() if name not in CHOICES}
    done = subprocess.run(
        [sys.executable, "-m", "engine", "info"],
        cwd=CHECKOUT,
        env={**variables, **chosen, "OMP_DISPLAY_ENV": "VERBOSE"},
        capture_output=True,
        text=True,
        check=True,
    )
    told = re.search(rf"{SPINS_VARIABLE} = '(\d+)'", done.stdout + done.stderr)
    if told is None:
        pytest.skip("this torch's OpenMP is not GNU's")
    return int(told.group(1))


def test_a_thread_that_waits_gives_the_processor_up_within_milliseconds() -> None:
    assert spins() == 100_000


@pytest.mark.parametrize(
    ("chosen", "expected"), [({SPINS_VARIABLE: "7"}, 7), ({POLICY_VARIABLE: "PASSIVE"}, 0)]
)
def test_what_the_environment_says_already_stays(chosen: dict[str, str], expected: int) -> None:
    assert spins(**chosen) == expected
