"""Which of PyTorch's builds this computer needs, and whether its hash is known beforehand."""

from __future__ import annotations

import platform
import shutil
import sys
from pathlib import Path
from typing import Literal

from ...storage.processes import answer_of

# published: the one on PyPI; cpu: PyTorch's own for Linux without a graphics card; chosen: what
# uv finds on PyTorch's index for the accelerator, whose hashes no lock here holds.
TorchBuild = Literal["published", "cpu", "chosen"]

_ASK = ("--query-gpu=driver_version,compute_cap", "--format=csv,noheader")
_ASK_S = 20

# What the published build for Linux asks of a card: it is made with CUDA 13.
_OLDEST_DRIVER = 580
_OLDEST_CAPABILITY = 7.5


def torch_build() -> TorchBuild:
    """Return the build for this computer; asks NVIDIA's driver, which may take a moment."""
    has_amd = Path("/dev/kfd").exists()
    return build_for(sys.platform, platform.machine(), nvidia=nvidia_cards(), has_amd=has_amd)


def build_for(system: str, machine: str, *, nvidia: str | None, has_amd: bool) -> TorchBuild:
    """Return the build for a kind of computer; `nvidia` is a line `driver, capability` a card."""
    if system == "darwin":
        return "published"  # the only one
    if system == "win32":
        return "published" if nvidia is None else "chosen"  # PyPI's has no CUDA there
    if machine.lower() not in ("x86_64", "amd64"):
        return "chosen"
    if nvidia is not None:
        return "published" if _suits_published(nvidia) else "chosen"
    return "chosen" if has_amd else "cpu"


def _suits_published(nvidia: str) -> bool:
    try:
        cards = [line.split(",") for line in nvidia.splitlines() if line.strip()]
        facts = [(int(driver.split(".")[0]), float(able)) for driver, able in cards]
    except ValueError:
        return False
    return bool(facts) and all(
        driver >= _OLDEST_DRIVER and able >= _OLDEST_CAPABILITY for driver, able in facts
    )


def nvidia_cards() -> str | None:
    """Return what NVIDIA's driver tells of its cards; None without it."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    return answer_of([program, *_ASK], timeout_s=_ASK_S) or ""
