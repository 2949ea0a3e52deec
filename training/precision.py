"""The precision that forward passes run in: what this machine multiplies fastest."""

from __future__ import annotations

import functools
import time

import torch

_SIZE = 512
_RUNS = 3
_LEAST_GAIN = 1.2


def _seconds(dtype: torch.dtype) -> float:
    factor = torch.ones(_SIZE, _SIZE, dtype=dtype)
    factor @ factor
    start_s = time.perf_counter()
    for _ in range(_RUNS):
        factor @ factor
    return time.perf_counter() - start_s


@functools.cache
def takes_bfloat16(device_type: str) -> bool:
    """Tell whether bfloat16 pays: always on a GPU; on a CPU where a matrix product shows it.

    A CPU without instructions for bfloat16 emulates it, more than ten times slower than float32.
    """
    if device_type != "cpu":
        return True
    return _seconds(torch.bfloat16) * _LEAST_GAIN < _seconds(torch.float32)


def autocast(device_type: str) -> torch.autocast:
    """Give the context in which forward passes run."""
    return torch.autocast(device_type, torch.bfloat16, enabled=takes_bfloat16(device_type))
