"""Workers share a batch and agree on one step."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")
import torch

from training import workers


def _after(count: int, steps: int) -> list[float]:
    torch.manual_seed(0)
    layer = torch.nn.Linear(3, 1)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    taken = 0

    def loss_of(modules: workers.Modules, rng: np.random.Generator) -> torch.Tensor:
        # Every worker sees the same rows, so that their mean is what one alone finds.
        rows = torch.arange(12.0).reshape(4, 3) / 12.0
        return modules["layer"](rows).square().mean()

    def apply(loss: float) -> None:
        nonlocal taken
        assert loss > 0.0
        optimizer.step()
        taken += 1

    workers.train(
        {"layer": layer},
        workers=count,
        seed=[1],
        loss_of=loss_of,
        apply=apply,
        over=lambda: taken >= steps,
    )
    return [*layer.weight.flatten().tolist(), float(layer.bias.detach())]


def test_two_workers_with_the_same_rows_step_as_one_does() -> None:
    assert _after(2, 5) == pytest.approx(_after(1, 5), rel=1e-5)


def test_steps_change_the_weights() -> None:
    assert _after(2, 1) != pytest.approx(_after(2, 5), rel=1e-3)


def test_workers_draw_different_numbers() -> None:
    layer = torch.nn.Linear(1, 1)
    drawn: list[float] = []

    def loss_of(modules: workers.Modules, rng: np.random.Generator) -> torch.Tensor:
        drawn.append(float(rng.random()))
        return modules["layer"](torch.ones(1, 1)).sum()

    steps = iter([False, True])
    workers.train(
        {"layer": layer},
        workers=2,
        seed=[1],
        loss_of=loss_of,
        apply=lambda loss: None,
        over=lambda: next(steps),
    )
    assert len(drawn) == len(set(drawn)) == 2
