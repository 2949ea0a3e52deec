"""The time that fuzzing may take, shared by its tests."""

from __future__ import annotations

import os

import pytest

TOTAL_S = float(os.environ.get("MIXDIFF_FUZZ_SECONDS") or 60)
_GRACE_S = 240  # for the last examples, and to make a failing one small


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    fuzzing = [item for item in items if "tests/fuzz/" in item.path.as_posix()]
    for item in fuzzing:
        item.add_marker(pytest.mark.fuzz)
        item.add_marker(pytest.mark.timeout(TOTAL_S / len(fuzzing) + _GRACE_S))


@pytest.fixture
def seconds(request: pytest.FixtureRequest) -> float:
    """How long one of the tests may go on."""
    return TOTAL_S / sum(1 for item in request.session.items if item.get_closest_marker("fuzz"))
