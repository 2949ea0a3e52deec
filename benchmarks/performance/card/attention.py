"""Piece `attention`: torch's kinds of attention on the header picture's largest call.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.attention.sdpa_kernel.html
"""

from __future__ import annotations

from statistics import median
from typing import Any

from torch.nn.attention import SDPBackend, sdpa_kernel

from benchmarks.performance.calls import replayed
from benchmarks.performance.card.header import part_of
from benchmarks.performance.card.setting import Setting
from benchmarks.performance.contest import calls_of_a_step
from benchmarks.performance.record import Aim, Record, in_words

OWN = "torch's own choice"
OVER_FASTEST = f"{OWN} over the fastest"
_KINDS: dict[str, SDPBackend | None] = {
    OWN: None,
    "flash": SDPBackend.FLASH_ATTENTION,
    "cudnn": SDPBackend.CUDNN_ATTENTION,
    "memory-efficient": SDPBackend.EFFICIENT_ATTENTION,
    "math": SDPBackend.MATH,
}
_MOST_OVER = 1.02
_REPEATS = 5


def measure(record: Record, setting: Setting) -> None:
    """Make the same call with each kind; one that this card has no kernel for is noted."""
    model = setting.model()
    network: Any = model.network
    calls = calls_of_a_step(setting.header(), model, network)
    largest = max(calls, key=lambda call: call.batch)
    part = f"Attention, {largest.batch} pictures in a call, {part_of(setting, model.device.dtype)}"

    def call_s() -> float:
        run = replayed(network, [largest], _REPEATS + 2)
        laps = [setting.clock.time(lambda: next(run))[0] for _ in range(_REPEATS + 2)]
        return median(laps[2:])

    found: dict[str, float] = {}
    for name, kind in _KINDS.items():
        try:
            if kind is None:
                found[name] = call_s()
            else:
                with sdpa_kernel(kind):
                    found[name] = call_s()
        except (RuntimeError, MemoryError) as error:
            record.remark(f"attention, {name}: left out: {in_words(error)}")
        else:
            record.put(part, f"{name}: a call", found[name], "s")
    fastest = min(found, key=lambda name: found[name])
    record.remark(f"the fastest attention is {fastest}")
    aim = Aim(value=_MOST_OVER, at_least=False)
    record.put(part, OVER_FASTEST, found[OWN] / found[fastest], "x", aim)
    record.series["card, attention"] = {"label": "seconds a call", "values": found}
