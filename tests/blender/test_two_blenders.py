"""Two Blenders of one person at once: each has its own engine, and neither disturbs the other."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from mixdiff_blender.backend.installation.uv import UV_VARIABLE
from tests.addon.package_index import PackageIndex
from tests.blender.hosts import SCRIPTS, Host

pytestmark = pytest.mark.timeout(900)

Told = dict[str, Any]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shared")


@pytest.fixture(scope="module")
def told(
    find_host: Callable[[str], Host], extension_zip: Path, shared: Path, uv: Path
) -> tuple[Told, Told]:
    index = PackageIndex()
    index.start()
    index.delay_s = 0.1
    lock, torch = shared / "requirements.lock", shared / "torch.lock"
    lock.write_text(index.add("alpha", "1.0"))
    torch.write_text(index.add("tinytorch", "1.0"))
    host = find_host("bpy-4.2")
    resources = host.user_resources(extension_zip)
    variables = {
        UV_VARIABLE: str(uv),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_FIND_LINKS": "",
        "UV_DEFAULT_INDEX": index.url,
        "TEST_LOCK": str(lock),
        "TEST_TORCH_LOCK": str(torch),
    }

    def run(name: str, other: str) -> Told:
        done = host.run_python(
            SCRIPTS / "two_blenders.py",
            name,
            other,
            shared,
            extension_zip=extension_zip,
            user_resources=resources,
            env=variables,
            timeout_s=800,
        )
        result: Told = done.check().result
        return result

    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(run, *names) for names in (("a", "b"), ("b", "a"))]
        first, second = (one.result() for one in both)
    index.stop()
    return first, second


def test_an_engine_that_dies_costs_its_own_blender_one_job(told: tuple[Told, Told]) -> None:
    first, second = told
    assert first["ends"] == ["crashed", "done", "done"]
    assert second["ends"] == ["done", "done", "done"]
    assert first["engine"] != second["engine"]


def test_no_picture_of_one_takes_the_name_of_the_others(
    told: tuple[Told, Told], shared: Path
) -> None:
    names = [name for one in told for name in one["files"]]
    assert len(names) == len(set(names)) == 5
    pictures = sorted((shared / "mixdiff").iterdir())
    assert set(names) < {path.name for path in pictures}
    assert len(pictures) == 6  # with the last one
    assert all(Image.open(path).size == (128, 64) for path in pictures)


def test_each_has_its_own_log_and_session_which_the_other_leaves_alone(
    told: tuple[Told, Told],
) -> None:
    first, second = told
    assert first["log"] != second["log"]
    assert all("ready on" in one["logged"] for one in told)
    assert first["logged"].count("ready on") == 2
    assert second["logged"].count("ready on") == 1
    assert [one["sessions"] for one in told] == [2, 2]
    assert second["mine is there"]
    assert (second["same engine"], second["last"]) == (True, "done")


def test_of_two_installations_at_once_one_is_refused_and_both_blenders_have_the_engine(
    told: tuple[Told, Told],
) -> None:
    said = sorted(one["installed"] for one in told)
    assert said == ["another Blender is installing the engine just now", "done"]
    assert [one["state"] for one in told] == ["ready", "ready"]
