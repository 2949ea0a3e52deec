"""Fixtures for all tests."""

from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import pytest

from building.extension import build_zip
from building.programs import CHECKOUT
from mixdiff_blender.backend.installation.uv import UV_VARIABLE, fetch_uv, find_uv

# The models of the tests are tiny: several threads only wait for each other, for minutes where
# the machine is shared. Processes that the tests start inherit this.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A busy machine is no fault of what is tested.
hypothesis.settings.register_profile(
    "any machine",
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("any machine")


@pytest.fixture(scope="session")
def extension_zip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The extension, built from this checkout."""
    if not (CHECKOUT / "mixdiff_blender").is_dir():
        pytest.skip("mixdiff_blender is not there yet")
    return build_zip(tmp_path_factory.mktemp("extension"))


@pytest.fixture(scope="session")
def uv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The uv that our own way of fetching it brings."""
    tools = tmp_path_factory.mktemp("tools")
    variables = {**os.environ, "PATH": "", UV_VARIABLE: ""}
    said = list(fetch_uv(variables, tools, offline=False, is_cancelled=lambda: False))
    found = find_uv(variables, tools)
    assert found is not None, said
    return found


@pytest.fixture(scope="session")
def require_hosts() -> bool:
    """Whether a missing Blender is a failure rather than a skipped test."""
    return os.environ.get("MIXDIFF_REQUIRE_HOSTS", "") not in ("", "0")
