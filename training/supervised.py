"""Training of a network that names what pictures show: the same for the benchmark's two."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from training import checkpoint
from training.clock import Clock, learning_rate
from training.settings import Budget

PEAK = 2e-3
LOG_EVERY = 50

LossOfBatch = Callable[[np.random.Generator, torch.device], Tensor]
"""Draws a batch, and returns its loss on a device."""


def train(
    model: nn.Module,
    loss_of_batch: LossOfBatch,
    budget: Budget,
    folder: Path,
    *,
    seed: int,
    weight_decay: float,
    resume: bool,
) -> dict[str, float]:
    """Train a network within its budget, and return steps and seconds; it ends on the CPU.

    With `resume` it begins with the weights that the folder holds.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if resume and (folder / "state.json").exists():
        model.load_state_dict(checkpoint.load(folder)[0])
    model.to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=PEAK, weight_decay=weight_decay)
    rng = np.random.default_rng(seed)
    clock = Clock(budget)
    step, recent = 0, list[float]()
    while not clock.over(step):
        model.train()
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, clock.progress(step), peak=PEAK)
        loss = loss_of_batch(rng, device)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        recent.append(float(loss.detach()))
        step += 1
        if step % LOG_EVERY == 0:
            seconds = f"{clock.elapsed_s():.0f} s"
            print(f"{folder.name} {step} {seconds} loss {np.mean(recent):.4f}", flush=True)
            recent.clear()
    model.cpu()
    return {"step": step, "elapsed_s": clock.elapsed_s()}
