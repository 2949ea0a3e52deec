"""Piece `rates`: what the card can do at best."""

from __future__ import annotations

import torch

from benchmarks.performance.card.setting import Setting
from benchmarks.performance.rates import memory_rate
from benchmarks.performance.record import Record

PART = "What the card can do at best"
MEMORY = "memory, read and written"


def measure(record: Record, setting: Setting) -> None:
    """Matrix products in each precision, float32 by its own and by TF32; a large copy."""
    for dtype in (*setting.dtypes, *(() if setting.is_rehearsal else (torch.float32,))):
        name = str(dtype).removeprefix("torch.")
        record.put(PART, f"matrix products, {name}", setting.rate(dtype), "FLOP/s")
    matrices = torch.backends.cuda.matmul
    before, matrices.allow_tf32 = matrices.allow_tf32, True
    try:
        rate = setting.rate(torch.float32)
        record.put(PART, "matrix products, float32 by TF32", rate, "FLOP/s")
    finally:
        matrices.allow_tf32 = before
    large = 2**24 if setting.is_rehearsal else 2**30
    record.put(PART, MEMORY, memory_rate(setting.device.torch_device, large), "B/s")
