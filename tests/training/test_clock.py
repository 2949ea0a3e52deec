"""A stage ends by its time or by its steps, and its learning rate falls towards that end."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
from training.clock import Clock, held_rate, learning_rate
from training.settings import Budget

HOUR_S = 3600.0


@pytest.mark.parametrize(
    ("spent_s", "step", "expected"),
    [(0.0, 0, 0.0), (0.0, 25, 0.25), (0.5 * HOUR_S, 25, 0.5), (2 * HOUR_S, 25, 1.0), (0, 300, 1)],
)
def test_progress_is_that_of_what_ends_first(spent_s: float, step: int, expected: float) -> None:
    clock = Clock(Budget(minutes=60, steps=100), spent_s)
    assert clock.progress(step) == pytest.approx(expected, abs=1e-3)
    assert clock.over(step) == (expected == 1.0)


def test_the_learning_rate_rises_over_the_first_steps_and_falls_to_a_fiftieth() -> None:
    assert learning_rate(0, 0.0, peak=1.0) == pytest.approx(0.01)
    assert learning_rate(200, 0.0, peak=1.0) == pytest.approx(1.0)
    assert learning_rate(200, 0.5, peak=1.0) == pytest.approx(0.51)
    assert learning_rate(200, 1.0, peak=1.0) == pytest.approx(0.02)


def test_a_held_rate_rises_stays_and_falls_over_the_last_third() -> None:
    assert held_rate(0, 0.0, peak=1.0) == pytest.approx(0.005)
    assert [held_rate(500, share, peak=1.0) for share in (0.1, 0.7)] == pytest.approx([1.0, 1.0])
    assert held_rate(500, 0.85, peak=1.0) == pytest.approx(0.5)
    assert held_rate(500, 1.0, peak=1.0) == pytest.approx(0.02)
