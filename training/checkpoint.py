"""Checkpoints: weights as safetensors, the rest as JSON, the optimiser's state beside them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn


class Stateful(Protocol):
    """An optimiser, or several as one."""

    def state_dict(self) -> dict[str, Any]:
        """Give its state."""

    def load_state_dict(self, state: dict[str, Any], /) -> None:
        """Go on from a state."""


def save(
    folder: Path,
    weights: Mapping[str, Tensor],
    state: Mapping[str, Any],
    optimizer: Stateful | None = None,
) -> None:
    """Write a checkpoint; each file is complete before it takes the old one's place."""
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / "fresh"
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in weights.items()}
    save_file(plain, fresh)
    fresh.replace(folder / "weights.safetensors")
    if optimizer is not None:
        torch.save(optimizer.state_dict(), fresh)
        fresh.replace(folder / "optimizer.pt")
    fresh.write_text(json.dumps(dict(state), indent=1))
    fresh.replace(folder / "state.json")


def load(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read the weights and the state of a checkpoint."""
    state: dict[str, Any] = json.loads((folder / "state.json").read_text())
    return load_file(folder / "weights.safetensors"), state


def load_optimizer(folder: Path, optimizer: Stateful) -> None:
    """Bring an optimiser to where the checkpoint left it, or leave it as it is without one."""
    if not (folder / "optimizer.pt").exists():
        return
    optimizer.load_state_dict(
        torch.load(folder / "optimizer.pt", weights_only=True, map_location="cpu")
    )


def earlier_runs(state: Mapping[str, Any], *, resume: bool, warm: bool) -> list[dict[str, float]]:
    """List the runs whose weights a run begins with: their steps and seconds.

    `state` is that of the last checkpoint, or empty.
    """
    runs = list(state.get("earlier_runs", [])) if resume or warm else []
    if warm and state:
        runs.append({"step": state["step"], "elapsed_s": state["elapsed_s"]})
    return runs


class Average:
    """An exponential moving average of the trainable weights, slow to start by design."""

    def __init__(self, modules: Mapping[str, nn.Module], decay: float) -> None:
        """Begin from the modules' present weights."""
        self.decay = decay
        self._live = {
            f"{name}.{key}": parameter
            for name, module in modules.items()
            for key, parameter in module.named_parameters()
        }
        self.shadow = {key: p.detach().float().clone() for key, p in self._live.items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Move the average towards the live weights."""
        decay = min(self.decay, (step + 1.0) / (step + 10.0))
        names = list(self.shadow)
        torch._foreach_lerp_(
            [self.shadow[name] for name in names],
            [self._live[name].detach().float() for name in names],
            1.0 - decay,
        )

    def of(self, name: str) -> dict[str, Tensor]:
        """Give the averaged weights of one module."""
        start = f"{name}."
        return {k[len(start) :]: v for k, v in self.shadow.items() if k.startswith(start)}
