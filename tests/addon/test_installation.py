"""Installing the engine from an index on the loopback: every fault, then again, and it succeeds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from building.programs import CHECKOUT
from engine.contract.errors import Cancelled, EngineError
from mixdiff_blender.backend.background_task import TaskProgress
from mixdiff_blender.backend.installation.install import (
    RAY_STEP,
    STEPS,
    install,
    install_ray,
    remove,
)
from mixdiff_blender.backend.installation.plan import InstallPlan, size_of
from mixdiff_blender.backend.installation.uv import UV_VARIABLE
from mixdiff_blender.storage.processes import FailedProgram, lines_of
from tests.addon.package_index import PackageIndex

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="not tried there yet")
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"


class Setup:
    """A plan for tiny packages, an index that has them, and the variables of a Blender."""

    def __init__(self, folder: Path, uv: Path, index: PackageIndex) -> None:
        self.index = index
        lock = folder / "requirements.lock"
        lock.write_text(index.add("alpha", "1.0") + index.add("beta", "2.0"))
        torch_lock = folder / "torch.lock"
        torch_lock.write_text(index.add("tinytorch", "1.0"))
        self.plan = InstallPlan(
            folder=folder / "user folder",
            lock=lock,
            torch="tinytorch==1.0",
            torch_lock=torch_lock,
            torch_cpu_lock=torch_lock,
            torch_build="published",
            pythons=(VERSION,),
            check="import alpha, beta, tinytorch",
            needed_bytes=10**6,
        )
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "UV_"))}
        self.variables = {
            **kept,
            UV_VARIABLE: str(uv),
            "PIP_CONFIG_FILE": os.devnull,
            "UV_DEFAULT_INDEX": index.url,
            "UV_HTTP_RETRIES": "0",
            "UV_HTTP_TIMEOUT": "10",
        }

    def install(self, **changes: object) -> list[TaskProgress]:
        plan = replace(self.plan, **changes)  # type: ignore[arg-type]
        return list(install(plan, variables=self.variables))

    def fails(self, **changes: object) -> EngineError:
        with pytest.raises(EngineError) as caught:
            self.install(**changes)
        assert caught.value.advice
        left = list(self.plan.folder.glob("environment.new*"))
        assert not left, "what was made aside is still there"
        return caught.value

    def works(self) -> bool:
        done = subprocess.run([self.plan.python, "-I", "-c", self.plan.check], check=False)
        return done.returncode == 0 and self.plan.state() == "ready"


@pytest.fixture
def setup(tmp_path: Path, uv: Path) -> Iterator[Setup]:
    index = PackageIndex()
    index.start()
    yield Setup(tmp_path, uv, index)
    index.stop()


def test_installing_goes_through_its_steps_and_tells_of_bytes(setup: Setup) -> None:
    told = setup.install()
    assert list(dict.fromkeys(progress.title for progress in told)) == list(STEPS)
    assert all(progress.done_bytes <= progress.total_bytes for progress in told)
    assert max(progress.total_bytes for progress in told) > 2_000_000
    assert setup.works()
    assert setup.plan.size_bytes() > 3_000_000
    remove(setup.plan)
    assert setup.plan.state() == "absent"
    assert size_of([setup.plan.folder]) < 1000


@pytest.mark.parametrize("name", ["alpha", "tinytorch"])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_a_network_that_breaks_off_loses_nothing_that_has_arrived(
    name: str, share: float, setup: Setup
) -> None:
    size = len(setup.index.wheels[f"{name}-1.0-py3-none-any.whl"])
    setup.index.cut_after[name] = int(size * share)
    assert setup.fails().kind == "network"
    assert setup.plan.state() == "absent"
    arrived = list(setup.index.served)
    setup.index.heal()
    setup.install()
    assert setup.works()
    if name == "tinytorch":
        assert len(arrived) == 2
        assert setup.index.served == [*arrived, "tinytorch-1.0-py3-none-any.whl"]


def test_an_index_that_is_not_there_is_a_fault_of_the_network(setup: Setup) -> None:
    right = setup.variables["UV_DEFAULT_INDEX"]
    setup.variables["UV_DEFAULT_INDEX"] = "http://127.0.0.1:1/simple"
    assert setup.fails().kind == "network"
    setup.variables["UV_DEFAULT_INDEX"] = right
    setup.install()
    assert setup.works()


def test_a_package_with_another_hash_is_refused(setup: Setup) -> None:
    setup.index.alter = True
    error = setup.fails()
    assert "hash differs" in error.message
    setup.index.heal()
    setup.install()
    assert setup.works()


@pytest.mark.parametrize("build", ["published", "cpu"])
def test_a_torch_with_another_hash_is_refused(build: str, setup: Setup) -> None:
    right = setup.index.wheels["tinytorch-1.0-py3-none-any.whl"]
    setup.index.add("tinytorch", "1.0", seed="another")
    assert "hash differs" in setup.fails(torch_build=build).message
    setup.index.wheels["tinytorch-1.0-py3-none-any.whl"] = right
    setup.install(torch_build=build)
    assert setup.works()


def test_a_larger_build_is_said_where_pytorchs_own_index_is_out_of_reach(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(command: Sequence[str | Path], *given: Any, **options: Any) -> Iterator[str]:
        if "--torch-backend=cpu" in command:
            raise FailedProgram("dns error: failed to lookup address information")
        return lines_of(command, *given, **options)

    name = "mixdiff_blender.backend.installation.install.lines_of"
    monkeypatch.setattr(name, unreachable)
    titles = [progress.title for progress in setup.install(torch_build="cpu")]
    assert [title for title in titles if "larger build from PyPI" in title]
    assert setup.works()


def test_too_little_room_is_said_with_numbers_before_anything_is_fetched(setup: Setup) -> None:
    error = setup.fails(needed_bytes=10**18)
    assert error.kind == "disk"
    assert "1000000000.0 GB" in error.message
    assert setup.index.served == []
    setup.install()
    assert setup.works()


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounts a small disk")
def test_a_disk_that_fills_up_or_cannot_be_written_is_said_and_loses_nothing(
    setup: Setup, tmp_path: Path
) -> None:
    disk = tmp_path / "small disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)], check=False
    )
    if mounted.returncode != 0:
        pytest.skip("no disk can be mounted here")
    try:
        plan = replace(setup.plan, folder=disk)
        with pytest.raises(EngineError) as caught:
            list(install(plan, variables=setup.variables))
        assert caught.value.kind == "disk"
        subprocess.run(["mount", "-o", "remount,size=60m", str(disk)], check=True)
        list(install(plan, variables=setup.variables))
        assert plan.state() == "ready"
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        for action in (
            lambda: list(install(plan, variables=setup.variables, afresh=True)),
            lambda: remove(plan),
        ):
            with pytest.raises(EngineError, match="Read-only file system") as caught:
                action()
            assert caught.value.kind == "disk"
            assert plan.state() == "ready"
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_cancel_ends_it_at_once_and_it_can_be_taken_up_again(setup: Setup) -> None:
    setup.index.delay_s = 0.3
    asked_at: list[float] = []
    running = install(setup.plan, variables=setup.variables, is_cancelled=lambda: bool(asked_at))
    next(progress for progress in running if progress.total_bytes)
    asked_at.append(time.monotonic())
    with pytest.raises(Cancelled):
        list(running)
    assert time.monotonic() - asked_at[0] < 1
    assert setup.plan.state() == "absent"
    assert not list(setup.plan.folder.glob("environment.new*"))
    setup.index.heal()
    setup.install()
    assert setup.works()


def test_a_second_installation_at_once_is_refused_and_harms_nothing(setup: Setup) -> None:
    first = install(setup.plan, variables=setup.variables)
    next(progress for progress in first if progress.title == STEPS[3])
    with pytest.raises(EngineError, match="another Blender") as caught:
        setup.install()
    assert caught.value.kind == "busy"
    with pytest.raises(EngineError, match="another Blender"):
        remove(setup.plan)
    list(first)
    assert setup.works()
    setup.install()
    assert setup.works()


def test_an_installation_whose_blender_was_killed_can_be_started_again(setup: Setup) -> None:
    setup.index.delay_s = 0.2
    script = (
        "import os\nfrom pathlib import Path\n"
        "from mixdiff_blender.backend.installation.install import install\n"
        "from mixdiff_blender.backend.installation.plan import InstallPlan as Plan\n"
        f"plan = Plan(folder=Path({str(setup.plan.folder)!r}), lock=Path({str(setup.plan.lock)!r}),"
        f" torch='tinytorch==1.0', torch_lock=Path({str(setup.plan.torch_lock)!r}),"
        f" torch_build='published', pythons=({VERSION!r},), needed_bytes=1)\n"
        "for progress in install(plan, variables=os.environ):\n"
        "    print(progress.total_bytes, flush=True)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        env={**setup.variables, "PYTHONPATH": str(CHECKOUT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert any(int(line) > 0 for line in process.stdout)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)
    assert setup.plan.state() == "absent"
    setup.index.heal()
    setup.install()
    assert setup.works()


def test_a_missing_python_is_said_and_the_next_try_succeeds(setup: Setup) -> None:
    error = setup.fails(pythons=("3.99",))
    assert "3.99" in error.message
    setup.install()
    assert setup.works()


def test_packages_that_do_not_work_together_are_not_used(setup: Setup) -> None:
    error = setup.fails(check="import something_else")
    assert "do not work" in error.message
    assert setup.plan.state() == "absent"
    setup.install()
    assert setup.works()


def test_a_changed_lock_makes_it_outdated_and_a_failed_update_leaves_the_old_one(
    setup: Setup,
) -> None:
    setup.install()
    fetched = len(setup.index.served)
    setup.plan.lock.write_text(setup.plan.lock.read_text() + setup.index.add("gamma", "1.0"))
    assert setup.plan.state() == "outdated"
    setup.index.cut_after["gamma"] = 1000
    assert setup.fails().kind == "network"
    assert setup.plan.state() == "outdated"
    assert subprocess.run([setup.plan.python, "-c", "import alpha"], check=False).returncode == 0
    setup.index.heal()
    setup.install()
    assert setup.works()
    assert setup.index.served[fetched:] == ["gamma-1.0-py3-none-any.whl"]


def test_an_update_cut_between_its_two_renames_is_put_right(setup: Setup) -> None:
    setup.install()
    setup.plan.environment.rename(setup.plan.previous)
    error = setup.fails(needed_bytes=10**18)
    assert error.kind == "disk"
    assert setup.works()


def test_ray_is_added_where_it_is_asked_for_and_stays_through_updates(setup: Setup) -> None:
    lock = setup.plan.folder.parent / "ray.lock"
    lock.write_text(setup.index.add("tinyray", "1.0"))
    plan = replace(setup.plan, ray_lock=lock, ray_check="import tinyray, engine")

    def add() -> list[TaskProgress]:
        return list(install_ray(plan, variables=setup.variables))

    with pytest.raises(EngineError, match="without the engine"):
        add()
    setup.install()
    assert not plan.has_ray()
    setup.index.cut_after["tinyray"] = 1000
    with pytest.raises(EngineError) as caught:
        add()
    assert caught.value.kind == "network"
    assert setup.works()
    assert not plan.has_ray()
    setup.index.heal()
    assert RAY_STEP in {progress.title for progress in add()}
    assert setup.works()
    assert plan.has_ray()
    plan.lock.write_text(plan.lock.read_text() + setup.index.add("delta", "1.0"))
    list(install(plan, variables=setup.variables))
    assert setup.works()
    assert plan.has_ray()
    assert subprocess.run([plan.python, "-c", "import tinyray, delta"], check=False).returncode == 0
    lock.write_text(setup.index.add("tinyray", "2.0"))
    assert not plan.has_ray()
    add()
    assert plan.has_ray()


def test_repairing_replaces_damaged_files_also_in_the_cache(setup: Setup) -> None:
    setup.install()
    module = next(setup.plan.environment.rglob("alpha/__init__.py"))
    module.write_text("raise ImportError('damaged')")
    assert not setup.works()
    list(install(setup.plan, variables=setup.variables, afresh=True))
    assert setup.works()


def test_what_pip_is_configured_with_is_honoured(setup: Setup, tmp_path: Path) -> None:
    pip_conf = tmp_path / "pip.conf"
    pip_conf.write_text(f"[global]\nindex-url = {setup.index.url}\ntimeout = 10\n")
    del setup.variables["UV_DEFAULT_INDEX"]
    setup.variables["PIP_CONFIG_FILE"] = str(pip_conf)
    setup.install()
    assert setup.works()


def test_a_folder_of_wheels_is_enough_without_any_network(setup: Setup, tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    setup.index.write_to(wheels)
    del setup.variables["UV_DEFAULT_INDEX"]
    setup.variables["PIP_FIND_LINKS"] = str(wheels)
    list(install(setup.plan, variables=setup.variables, offline=True))
    assert setup.works()
    assert setup.index.served == []


def test_without_network_or_wheels_it_says_how_to_allow_online_access(setup: Setup) -> None:
    with pytest.raises(EngineError, match="stay offline") as caught:
        list(install(setup.plan, variables=setup.variables, offline=True))
    assert "online access" in caught.value.advice


@pytest.mark.parametrize("name", ["a folder with 'quotes' and \"more\"", "папка ✓", "x" * 120])
def test_it_works_in_a_folder_of_any_name(name: str, setup: Setup, tmp_path: Path) -> None:
    plan = replace(setup.plan, folder=tmp_path / name)
    list(install(plan, variables=setup.variables))
    assert plan.state() == "ready"
    assert subprocess.run([plan.python, "-I", "-c", plan.check], check=False).returncode == 0


def test_a_read_only_folder_is_one_clear_error(setup: Setup, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    plan = replace(setup.plan, folder=tmp_path / "file" / "inside")
    with pytest.raises(EngineError) as caught:
        list(install(plan, variables=setup.variables))
    assert caught.value.kind == "disk"
