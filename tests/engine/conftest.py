"""The tiny model of random weights, loaded once."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.families.base import Model
from engine.families.loading import load_model
from engine.process.quiet import silence_libraries
from engine.runtime.devices import choose_device

DATA = Path(__file__).parent.parent / "data"
TINY_SD = DATA / "tiny-sd"


@pytest.fixture(scope="session")
def tiny() -> Model:
    silence_libraries()
    return load_model(str(TINY_SD), choose_device("cpu", "float32"))
