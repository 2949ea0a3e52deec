"""Data-parallel training in threads: every worker takes its share of the batch on its own core.

Two threads inside each operation wait for each other at its end, thousands of times a step; on a
shared machine, where one of them is often set aside, that cost eight ninths of the throughput.
Workers wait once a step.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor, nn

Modules = Mapping[str, nn.Module]


def parameters_of(modules: Modules) -> list[Tensor]:
    """Give the trained parameters of all modules, always in the same order."""
    return [p for module in modules.values() for p in module.parameters() if p.requires_grad]


def _gradient(parameter: Tensor) -> Tensor:
    assert parameter.grad is not None  # every parameter takes part in the loss
    return parameter.grad


def train(
    modules: Modules,
    *,
    workers: int,
    seed: list[int],
    loss_of: Callable[[Modules, np.random.Generator], Tensor],
    apply: Callable[[float], None],
    over: Callable[[], bool],
) -> None:
    """Compute each worker's gradients on its copy of the modules and `apply` their mean.

    `apply` finds the gradients in the modules' own parameters and takes the optimiser's step.
    """
    replicas = [modules]
    for _ in range(workers - 1):
        replicas.append({name: copy.deepcopy(module) for name, module in modules.items()})
    parameters: list[list[Tensor]] = [parameters_of(replica) for replica in replicas]
    rngs = [np.random.default_rng([*seed, number]) for number in range(workers)]

    def step(number: int) -> float:
        if number > 0:
            with torch.no_grad():
                torch._foreach_copy_(parameters[number], parameters[0])
        for parameter in parameters[number]:
            parameter.grad = None
        loss = loss_of(replicas[number], rngs[number])
        loss.backward()
        return float(loss.detach())

    def begin() -> None:
        if workers > 1:
            torch.set_num_threads(1)

    begin()
    with ThreadPoolExecutor(workers, initializer=begin) as pool:
        while not over():
            losses = list(pool.map(step, range(workers)))
            gradients = [[_gradient(parameter) for parameter in own] for own in parameters]
            for master, *others in zip(*gradients, strict=True):
                for other in others:
                    master.add_(other)
                master.div_(workers)
            apply(sum(losses) / workers)
