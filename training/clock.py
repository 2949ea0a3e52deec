"""A stage's clock: progress as a share of its budget, counted over all of its runs."""

from __future__ import annotations

import math
import time

from training.settings import Budget


class Clock:
    """Counts wall time, including that of earlier runs of the same stage, beside its steps."""

    def __init__(self, budget: Budget, spent_s: float = 0.0) -> None:
        """Start the clock with what earlier runs have spent."""
        self._budget = budget
        self._start_s = time.monotonic() - spent_s

    def elapsed_s(self) -> float:
        """Wall time so far, in seconds."""
        return time.monotonic() - self._start_s

    def progress(self, step: int) -> float:
        """Share of the budget that is spent after so many steps, at most 1."""
        in_time = self.elapsed_s() / (60.0 * self._budget.minutes)
        return min(1.0, max(in_time, step / self._budget.steps))

    def over(self, step: int) -> bool:
        """Tell whether the budget is spent."""
        return self.progress(step) >= 1.0


def learning_rate(step: int, progress: float, *, peak: float, warm_up_steps: int = 100) -> float:
    """A linear warm-up over steps, then a half cosine over the budget."""
    warm_up = min(1.0, (step + 1) / warm_up_steps)
    return peak * warm_up * (0.02 + 0.98 * 0.5 * (1.0 + math.cos(math.pi * progress)))


def held_rate(step: int, progress: float, *, peak: float, falls: float = 0.3) -> float:
    """A linear warm-up, then the peak, then a linear fall over the last share of the budget.

    A run that is given more steps before it falls has lost nothing.
    """
    warm_up = min(1.0, (step + 1) / 200)
    return peak * warm_up * max(0.02, min(1.0, (1.0 - progress) / falls))
