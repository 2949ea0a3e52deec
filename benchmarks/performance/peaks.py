"""The most memory that some work held at once."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Callable
from pathlib import Path

import torch

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def can_measure(device: torch.device) -> bool:
    """Return whether a device's peak can be known exactly: on GPUs of CUDA, and on Linux."""
    return device.type == "cuda" or (device.type == "cpu" and sys.platform == "linux")


def held_bytes(device: torch.device) -> int:
    """Return what this process holds of a device's memory now."""
    gc.collect()
    return torch.cuda.memory_allocated() if device.type == "cuda" else _status_bytes("VmRSS")


def peak_of(work: Callable[[], object], device: torch.device) -> int:
    """Do some work and return how many bytes more than before it held at its highest.

    On the processor this is what the kernel counted as resident, reset before.
    """
    gc.collect()
    if device.type == "cuda":
        torch.cuda.synchronize()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        work()
        torch.cuda.synchronize()
        return torch.cuda.max_memory_allocated() - before
    # What an earlier run freed is given back first, else it would hide what this one takes.
    ctypes.CDLL(None).malloc_trim(0)
    _CLEAR.write_text("5")
    before = _status_bytes("VmRSS")
    work()
    return _status_bytes("VmHWM") - before


def _status_bytes(name: str) -> int:
    for line in _STATUS.read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"{_STATUS} does not say {name}")
