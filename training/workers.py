"""Asynchronous data-parallel training: every worker on its own core, none waits for another.

Two threads inside each operation wait for each other at its end, thousands of times a step; on a
shared machine, where one of them is often set aside, that cost eight ninths of the throughput.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import numpy as np
import torch
from torch import Tensor, nn

Modules = Mapping[str, nn.Module]


def parameters_of(modules: Modules) -> list[nn.Parameter]:
    """Give the trained parameters of all modules, always in the same order."""
    return [p for module in modules.values() for p in module.parameters() if p.requires_grad]


def train(
    modules: Modules,
    *,
    workers: int,
    seed: list[int],
    loss_of: Callable[[Modules, np.random.Generator], Tensor],
    apply: Callable[[float], None],
    over: Callable[[], bool],
) -> None:
    """Compute gradients on copies of the modules and hand them to `apply` one at a time.

    `apply` finds the gradients in the modules' own parameters and takes the optimiser's step. With
    one worker this is the plain loop, and repeatable; with more the order of steps is not.
    """
    lock = Lock()
    masters = parameters_of(modules)

    def work(number: int) -> None:
        if workers > 1:
            torch.set_num_threads(1)
        own = modules if workers == 1 else {k: copy.deepcopy(m) for k, m in modules.items()}
        copies = parameters_of(own)
        rng = np.random.default_rng([*seed, number])
        while not over():
            if workers > 1:
                with lock, torch.no_grad():
                    torch._foreach_copy_(copies, masters)
            loss = loss_of(own, rng)
            for parameter in copies:
                parameter.grad = None
            loss.backward()
            with lock:
                for master, parameter in zip(masters, copies, strict=True):
                    master.grad = parameter.grad
                apply(float(loss.detach()))

    with ThreadPoolExecutor(workers) as pool:
        for running in [pool.submit(work, number) for number in range(workers)]:
            running.result()
