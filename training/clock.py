"""A stage's clock: progress as a share of its budget, counted over all of its runs."""

from __future__ import annotations

import math
import time


class Clock:
    """Counts wall time, including that of earlier runs of the same stage."""

    def __init__(self, budget_s: float, spent_s: float = 0.0) -> None:
        """Start the clock with what earlier runs have spent."""
        self.budget_s = budget_s
        self._start_s = time.monotonic() - spent_s

    def elapsed_s(self) -> float:
        """Wall time so far, in seconds."""
        return time.monotonic() - self._start_s

    def progress(self) -> float:
        """Share of the budget that is spent, at most 1."""
        return min(1.0, self.elapsed_s() / self.budget_s)

    def over(self) -> bool:
        """Tell whether the budget is spent."""
        return self.elapsed_s() >= self.budget_s


def learning_rate(step: int, progress: float, *, peak: float, warm_up_steps: int = 100) -> float:
    """A linear warm-up over steps, then a half cosine over the budget."""
    warm_up = min(1.0, (step + 1) / warm_up_steps)
    return peak * warm_up * (0.02 + 0.98 * 0.5 * (1.0 + math.cos(math.pi * progress)))
