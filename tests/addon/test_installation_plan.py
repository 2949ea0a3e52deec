"""What an installation is planned with: the lock, the build of torch, uv's settings."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from building.environments import TORCH
from building.programs import CHECKOUT
from mixdiff_blender.backend.installation import plan as plan_module
from mixdiff_blender.backend.installation.accelerators import build_for
from mixdiff_blender.backend.installation.settings import config_files, uv_variables
from mixdiff_blender.backend.installation.uv import Downloads

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="not tried there yet")
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"


def test_the_tests_install_the_torch_that_users_get() -> None:
    assert plan_module.TORCH == TORCH


def test_the_lock_has_every_requirement_at_its_version_with_hashes() -> None:
    lock = (CHECKOUT / "engine/requirements.lock").read_text()
    wanted = (CHECKOUT / "engine/requirements.txt").read_text().splitlines()
    for line in wanted:
        if line and not line.startswith("#"):
            assert f"{line.replace('_', '-')} " in lock
    assert lock.count("--hash=sha256:") > 500
    assert "torch==" not in lock
    torch = (CHECKOUT / "engine/torch.lock").read_text()
    assert f"\n{plan_module.TORCH} \\\n" in torch
    assert all("--hash=" in entry for entry in torch.replace("\\\n", "").splitlines())
    ray = (CHECKOUT / "engine/ray.lock").read_text()
    wanted_ray = (CHECKOUT / "engine/requirements-ray.txt").read_text().splitlines()[-1]
    assert f"\n{wanted_ray} \\\n" in ray
    assert all("--hash=" in entry for entry in ray.replace("\\\n", "").splitlines())
    pinned = dict.fromkeys(line.split()[0] for line in lock.splitlines() if "==" in line)
    names = {line.partition("==")[0] for line in pinned}
    own = [line.split()[0] for line in ray.splitlines() if "==" in line]
    assert all(line in pinned for line in own if line.partition("==")[0] in names)
    assert f"\n{plan_module.TORCH}+cpu \\\n" in (CHECKOUT / "engine/torch-cpu.lock").read_text()


@pytest.mark.parametrize(
    ("system", "machine", "nvidia", "has_amd", "build"),
    [
        ("darwin", "arm64", None, False, "published"),
        ("win32", "AMD64", None, False, "published"),
        ("win32", "AMD64", "591.1, 12.0", False, "chosen"),
        ("linux", "x86_64", None, False, "cpu"),
        ("linux", "x86_64", None, True, "chosen"),
        ("linux", "x86_64", "580.65.06, 8.9\n580.65.06, 7.5\n", False, "published"),
        ("linux", "x86_64", "570.1, 8.9", False, "chosen"),
        ("linux", "x86_64", "580.65.06, 6.1", False, "chosen"),
        ("linux", "x86_64", "", False, "chosen"),
        ("linux", "aarch64", None, False, "chosen"),
    ],
)
def test_the_build_of_torch_suits_the_computer(
    system: str, machine: str, nvidia: str | None, has_amd: bool, build: str
) -> None:
    assert build_for(system, machine, nvidia=nvidia, has_amd=has_amd) == build


def test_uvs_own_settings_win_over_pips(tmp_path: Path) -> None:
    pip_conf = tmp_path / "pip.conf"
    pip_conf.write_text(
        "[global]\nindex-url = http://pip\nextra-index-url = http://a http://b\nproxy = http://p\n"
        "[install]\nfind-links =\n    /one\n    /two\n"
    )
    variables = {"PIP_CONFIG_FILE": str(pip_conf), "PYTHONPATH": "x", "PIP_CERT": "/c.pem"}
    if any(file.exists() for file in config_files({})):
        variables["PIP_INDEX_URL"] = "http://pip"
    found = uv_variables(
        {**variables, "UV_DEFAULT_INDEX": "http://uv"},
        cache=tmp_path,
        pythons=tmp_path,
        offline=False,
    )
    assert found["UV_DEFAULT_INDEX"] == "http://uv"
    assert found["UV_INDEX"] == "http://a http://b"
    assert found["UV_FIND_LINKS"] == "/one,/two"
    assert found["ALL_PROXY"] == "http://p"
    assert found["SSL_CERT_FILE"] == "/c.pem"
    assert found["UV_INDEX_STRATEGY"] == "unsafe-best-match"
    assert "PYTHONPATH" not in found
    assert "UV_OFFLINE" not in found


def test_downloads_are_read_from_what_uv_says() -> None:
    downloads = Downloads()
    for line in (
        "Downloading torch (180.5MiB)",
        "Downloading numpy (16.0KiB)",
        " Downloaded numpy",
        "Installed 2 packages in 3ms",
    ):
        downloads.hear(line)
    assert downloads.total_bytes == int(180.5 * 2**20) + 2**14
    assert downloads.done_bytes == 2**14


def test_no_python_is_looked_for_in_blenders_own_folder_first(tmp_path: Path) -> None:
    from mixdiff_blender.backend.installation.pythons import find_python

    found = find_python((VERSION,), os.environ, fetched=tmp_path)
    assert found is not None
    assert shutil.which(str(found))
