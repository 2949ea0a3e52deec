"""Fixtures that hand a Blender to a test."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from building.environments import environments_folder
from tests.blender import hosts


@pytest.fixture(scope="session")
def find_host(
    tmp_path_factory: pytest.TempPathFactory, require_hosts: bool
) -> Callable[[str], hosts.Host]:
    """Find a host by its name, or skip the test with the reason."""
    found: dict[str, hosts.Host] = {}

    def find(name: str) -> hosts.Host:
        if name not in found:
            try:
                found[name] = hosts.find_host(
                    name,
                    environments=environments_folder(),
                    engine_python=Path(sys.executable),
                    work=tmp_path_factory.mktemp(name),
                )
            except hosts.HostMissingError as error:
                if require_hosts:
                    pytest.fail(f"{name}: {error}")
                pytest.skip(f"{name}: {error}")
        return found[name]

    return find


def _executables() -> list[object]:
    names = [*hosts.EXECUTABLE_NAMES, *([hosts.PATH_NAME] if hosts.blender_on_path() else [])]
    return [pytest.param(name, marks=pytest.mark.executable) for name in names]


@pytest.fixture(scope="session", params=[*hosts.WHEEL_NAMES, *_executables()])
def host(request: pytest.FixtureRequest, find_host: Callable[[str], hosts.Host]) -> hosts.Host:
    """Each Blender of this machine in turn."""
    return find_host(request.param)


@pytest.fixture(scope="session", params=hosts.WHEEL_NAMES)
def wheel_host(
    request: pytest.FixtureRequest, find_host: Callable[[str], hosts.Host]
) -> hosts.Host:
    """Each bpy wheel in turn."""
    return find_host(request.param)


@pytest.fixture(scope="session", params=_executables())
def executable_host(
    request: pytest.FixtureRequest, find_host: Callable[[str], hosts.Host]
) -> hosts.Host:
    """Each Blender executable in turn."""
    return find_host(request.param)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder as one that needs a Blender."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.blender)
