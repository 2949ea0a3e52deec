"""What the machine can do at best: the rate of large matrix products and of convolutions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from statistics import median

import torch

from benchmarks.performance.clocks import Clock, clock_for

_LONG_S = {"cpu": 0.5, "cuda": 0.02}
_REPEATS = 5
_PATIENCE_S = 1.0


def matrix_rate(device: torch.device, dtype: torch.dtype, long_s: float | None = None) -> float:
    """Return the highest rate of square matrix products, in operations a second.

    The products grow until one takes long enough (`long_s`) that larger ones would not be faster.
    """
    clock = clock_for(device)
    long_s = _LONG_S.get(device.type, 0.1) if long_s is None else long_s
    best, size, seconds = 0.0, 512, 0.0
    while seconds < long_s and size <= 16384:
        left, right = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
        seconds = _median(clock, partial(torch.matmul, left, right))
        best = max(best, 2 * size**3 / seconds)
        size *= 2
    return best


def convolution_rate(
    device: torch.device, dtype: torch.dtype, memory_format: torch.memory_format
) -> float:
    """Return the rate of a 3 × 3 convolution as the denoiser of SD 1.5 has many of them."""
    batch, channels, cells = 2, 320, 20
    pictures = torch.randn(batch, channels, cells, cells, device=device)
    layer = torch.nn.Conv2d(channels, channels, 3, padding=1, device=device)
    layer = layer.to(dtype).requires_grad_(False)
    layer.weight.data = layer.weight.contiguous(memory_format=memory_format)
    pictures = pictures.to(dtype=dtype, memory_format=memory_format)
    seconds = _median(clock_for(device), lambda: layer(pictures))
    return 2 * batch * cells**2 * channels**2 * 9 / seconds


def memory_rate(device: torch.device, copied_bytes: int = 2**30) -> float:
    """Return how many bytes a second a large copy reads and writes, both counted."""
    source = torch.zeros(copied_bytes // 4, device=device)
    target = torch.empty_like(source)
    return 2 * copied_bytes / _median(clock_for(device), lambda: target.copy_(source))


def _median(clock: Clock, work: Callable[[], object]) -> float:
    first, _ = clock.time(work)
    if first > _PATIENCE_S:
        return first
    return median(clock.time(work)[0] for _ in range(_REPEATS))
