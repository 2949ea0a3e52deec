"""How many passes share one call of a denoiser: as many as pay, and as the memory has room for."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from engine.runtime.devices import free_bytes, is_oom

# More cells in a call than these gain nothing that can be measured, and cost memory.
_CELLS_THAT_PAY = {"cuda": 2**17}
_CELLS_THAT_PAY_ELSEWHERE = 2**14
_PROBED_PASSES = 2
_SHARE_OF_FREE = 0.8
_ALIKE = 4  # times as many cells


class Capacity:
    """Knows what a pass of each size needs once it was measured; forgets nothing between jobs."""

    def __init__(self, device: torch.device, *, most_passes: int | None = None) -> None:
        self._device = device
        self._most_passes = most_passes
        self._need_bytes: dict[tuple[Any, ...], float] = {}

    def passes(
        self,
        height: int,
        width: int,
        wanted: int,
        call: Callable[[int], object],
        *,
        beside: tuple[object, ...] = (),
    ) -> int:
        """Return how many of the wanted passes of h × w cells may share a call now.

        `beside` says what each sees beside them, if anything. `call` runs as many as it is told.
        On a GPU the first question about a size measures by it what a pass needs; elsewhere what
        pays is reached long before the memory is full.
        """
        cells = _CELLS_THAT_PAY.get(self._device.type, _CELLS_THAT_PAY_ELSEWHERE)
        most = max(1, min(wanted, cells // (height * width)))
        if self._most_passes is not None:
            most = min(most, self._most_passes)
        if self._device.type != "cuda" or most == 1:
            return most
        need = self._need((height, width, *beside), call)
        return max(1, min(most, int(_SHARE_OF_FREE * free_bytes(self._device) / need)))

    def _need(self, size: tuple[Any, ...], call: Callable[[int], object]) -> float:
        """Return the bytes that a pass needs; infinitely many where two do not fit.

        Of a size that is not much smaller than one that was measured, as many bytes a cell.
        """
        cells: int = size[0] * size[1]
        for other, need in self._need_bytes.items():
            share: float = cells / (other[0] * other[1])
            if other[2:] == size[2:] and 1 / _ALIKE <= share <= 1:
                return need * share
        if size not in self._need_bytes:
            before = torch.cuda.memory_allocated(self._device)
            torch.cuda.reset_peak_memory_stats(self._device)
            try:
                call(_PROBED_PASSES)
            except (RuntimeError, MemoryError) as error:
                if not is_oom(error):
                    raise
                return math.inf
            peak = torch.cuda.max_memory_allocated(self._device)
            self._need_bytes[size] = max(1.0, (peak - before) / _PROBED_PASSES)
        return self._need_bytes[size]
