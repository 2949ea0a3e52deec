"""Small ControlNets of random weights beside the small models, and pictures for them."""

from __future__ import annotations

from typing import Any

import diffusers
import torch
from torch import Tensor

from tests.engine.tiny_models import scatter


def tiny_controlnet(unet: Any, seed: int = 0, *, union: bool = False) -> Any:
    """Return a ControlNet for a UNet, all of whose weights count."""
    torch.manual_seed(seed)
    cls = diffusers.ControlNetUnionModel if union else diffusers.ControlNetModel
    made = cls.from_unet(
        unet, load_weights_from_unet=False, conditioning_embedding_out_channels=(4, 4, 8, 8)
    )
    if union:
        sizes = {"num_trans_channel": 8, "num_trans_head": 2, "num_proj_channel": 8}
        own = {name: value for name, value in made.config.items() if name[0] != "_"}
        made = cls.from_config({**own, **sizes})
    scatter(made)
    for parameter in made.parameters():
        parameter.data.mul_(1 + 0.1 * seed)
    return made.eval()


def hint_bytes(height: int, width: int, seed: int = 0) -> Tensor:
    """Return a control picture, (1, 3, H, W), uint8."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (1, 3, height, width), generator=generator, dtype=torch.uint8)


def control(image: str = "p", kind: str = "depth", model: str = "net", **more: Any) -> Any:
    """Return a control of a job."""
    return {"kind": kind, "image": image, "model": model, **more}
