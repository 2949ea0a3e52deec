"""What the ControlNets of UNets add to a call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from torch import Tensor

from engine.contract.controlnets import UNION_MODES
from engine.runtime.batching import Batch
from engine.runtime.controls import Held

Residuals = tuple[Sequence[Tensor], Tensor]


def residuals(batch: Batch, latents: Tensor, inputs: Mapping[str, Any]) -> Iterator[Residuals]:
    """Yield what each ControlNet adds to a UNet's way down, and to its middle.

    A union of ControlNets sees all of its pictures in one call.
    """
    by_net: dict[int, list[Held]] = {}
    for control in batch.controls:
        by_net.setdefault(id(control.net), []).append(control)
    for controls in by_net.values():
        net = controls[0].net
        common = {"timestep": batch.timestep, **inputs, "return_dict": False}
        if hasattr(net.config, "num_control_type"):
            yield net(latents, **common, **_of_union(net, controls))
            continue
        for control in controls:
            yield net(
                latents,
                **common,
                controlnet_cond=control.hints.to(latents.dtype),
                conditioning_scale=control.scale,
            )


def _of_union(net: Any, controls: Sequence[Held]) -> dict[str, Any]:
    modes = [UNION_MODES[control.kind] for control in controls]
    hints = [control.hints.to(net.dtype) for control in controls]
    types = hints[0].new_zeros((len(hints[0]), net.config.num_control_type))
    for mode in modes:
        types[:, mode] = 1
    return {
        "controlnet_cond": hints,
        "control_type": types,
        "control_type_idx": modes,
        "conditioning_scale": [float(control.scale) for control in controls],
    }
