"""What is installed, where it lies, and how much of it is there."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ...contract import ENGINE_FOLDER
from .accelerators import TorchBuild

TORCH = "torch==2.13.0"
PYTHONS = ("3.11", "3.12", "3.13")
STAMP = "mixdiff.json"
RAY = "ray"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """About what an installation takes, in bytes."""

    fetched: int
    on_disk: int
    needed: int
    """Free room while it lasts: what is fetched is there twice while it is unpacked."""


# Measured on Linux without a graphics card; NVIDIA's libraries alone are 4 GB there.
_CPU = Sizes(fetched=340_000_000, on_disk=1_200_000_000, needed=2_500_000_000)
_GPU = Sizes(fetched=3_200_000_000, on_disk=6_500_000_000, needed=9_000_000_000)

RAY_SIZES = Sizes(fetched=85_000_000, on_disk=250_000_000, needed=400_000_000)

# Imports what a job needs, which also proves that every library finds its own libraries.
_CHECK = "import diffusers, numpy, PIL, safetensors, scipy, torch, transformers"

State = Literal["absent", "outdated", "ready"]


def likely_sizes() -> Sizes:
    """Return about what an installation takes on this computer."""
    has_gpu = sys.platform != "darwin" and shutil.which("nvidia-smi") is not None
    return _GPU if has_gpu else _CPU


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallPlan:
    """An environment to be: its folder, its packages, and the Pythons that suit them.

    `torch` stands apart from the other packages because its build depends on the accelerator:
    a lock for each build whose hashes are known.
    """

    folder: Path
    lock: Path = ENGINE_FOLDER / "requirements.lock"
    torch: str = TORCH
    torch_lock: Path = ENGINE_FOLDER / "torch.lock"
    torch_cpu_lock: Path = ENGINE_FOLDER / "torch-cpu.lock"
    ray_lock: Path = ENGINE_FOLDER / "ray.lock"
    """What a cluster needs beside the rest; installed where somebody asked for it."""
    torch_build: TorchBuild | None = None
    """Which build to take; None for the one that suits this computer."""
    pythons: tuple[str, ...] = PYTHONS
    check: str = _CHECK
    ray_check: str = "import ray, engine.batch.cluster"
    needed_bytes: int = field(default_factory=lambda: likely_sizes().needed)

    @property
    def environment(self) -> Path:
        """The environment that is used, complete or not there at all."""
        return self.folder / "environment"

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return python_in(self.environment)

    @property
    def previous(self) -> Path:
        """Where the former environment waits until the new one has its place."""
        return self.folder / "environment.previous"

    @property
    def tools(self) -> Path:
        """uv, its cache, and the Pythons that it fetched."""
        return self.folder / "installation"

    @property
    def digest(self) -> str:
        """A hash that changes when something else has to be installed."""
        versions = json.dumps([self.torch, self.pythons]).encode()
        locks = (self.lock, self.torch_lock, self.torch_cpu_lock)
        return hashlib.sha256(versions + b"".join(lock.read_bytes() for lock in locks)).hexdigest()

    def state(self) -> State:
        """Return whether the environment is there, and made from the present lock."""
        stamp = read_stamp(self.environment)
        if not stamp or not self.python.is_file():
            return "absent"
        return "ready" if stamp.get("digest") == self.digest else "outdated"

    @property
    def ray_digest(self) -> str:
        """A hash that changes when another Ray has to be installed."""
        return hashlib.sha256(self.ray_lock.read_bytes()).hexdigest()

    def has_ray(self) -> bool:
        """Return whether Ray is in the environment, made from the present lock."""
        return read_stamp(self.environment).get(RAY) == self.ray_digest

    def size_bytes(self) -> int:
        """Return what the environment and the tools take on disk; shared files count once."""
        return size_of([self.environment, self.tools])


def python_in(environment: Path) -> Path:
    """Return where an environment has its interpreter."""
    return environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def read_stamp(environment: Path) -> dict[str, Any]:
    """Return what was noted when an environment was complete; empty where it never was."""
    try:
        stamp = json.loads((environment / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def size_of(folders: Sequence[Path]) -> int:
    """Return the bytes of all files in some folders, each file once however many names it has."""
    seen: set[tuple[int, int]] = set()
    total = 0
    for folder in folders:
        for parent, _, names in os.walk(folder):
            for name in names:
                try:
                    found = (Path(parent) / name).lstat()
                except OSError:
                    continue  # it went away just now
                if found.st_ino and (found.st_dev, found.st_ino) in seen:
                    continue
                seen.add((found.st_dev, found.st_ino))
                total += found.st_size
    return total
