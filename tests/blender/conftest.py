"""Fixtures that hand a Blender to a test."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from building.environments import environments_folder
from tests.blender import hosts
from tests.blender.inner import INSIDE, InsideModule, InsideRun, host_params, sort_by_host, tests_of
from tests.blender.windows import x_display
from tests.engine.conftest import TINY_SD
from tests.engine.model_hub import ModelHub

EXECUTABLES = host_params([name for name in hosts.all_names() if name not in hosts.WHEEL_NAMES])


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


@pytest.fixture(scope="session", params=host_params(hosts.all_names()))
def host(request: pytest.FixtureRequest, find_host: Callable[[str], hosts.Host]) -> hosts.Host:
    """Each Blender of this machine in turn."""
    return find_host(request.param)


@pytest.fixture(scope="session", params=hosts.WHEEL_NAMES)
def wheel_host(
    request: pytest.FixtureRequest, find_host: Callable[[str], hosts.Host]
) -> hosts.Host:
    """Each bpy wheel in turn."""
    return find_host(request.param)


@pytest.fixture(scope="session", params=EXECUTABLES)
def executable_host(
    request: pytest.FixtureRequest, find_host: Callable[[str], hosts.Host]
) -> hosts.Host:
    """Each Blender executable in turn."""
    return find_host(request.param)


@pytest.fixture
def display(require_hosts: bool) -> Iterator[str]:
    """An X display of the test's own."""
    with x_display(require_hosts) as name:
        yield name


@pytest.fixture(scope="session")
def inside(
    request: pytest.FixtureRequest, extension_zip: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[hosts.Host], InsideRun]]:
    """Find the run of those tests that run inside a host."""
    runs: dict[str, InsideRun] = {}
    hub = ModelHub.of_folder(TINY_SD)
    hub.start()

    def run_in(host: hosts.Host) -> InsideRun:
        if host.name not in runs:
            runs[host.name] = InsideRun(
                host=host,
                extension_zip=extension_zip,
                folder=tmp_path_factory.mktemp(f"inside {host.name}"),
                env={"MIXDIFF_TEST_HUB": hub.url},
                tests=tests_of(host.name, request.session.items),
            )
        return runs[host.name]

    yield run_in
    for run in runs.values():
        run.end()
    hub.stop()


def pytest_pycollect_makemodule(
    module_path: Path, parent: pytest.Collector
) -> pytest.Module | None:
    """Read the tests that run inside a Blender, without importing them here."""
    if module_path.parent != INSIDE:
        return None
    found: InsideModule = InsideModule.from_parent(parent, path=module_path)
    return found


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder as one that needs a Blender."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.blender)
    sort_by_host(items)
