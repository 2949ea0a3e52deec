"""ControlNets by name: a folder in diffusers' format, a single file, or a hub id."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine.contract.controlnets import (
    CONFIG,
    STEM,
    UNION,
    ControlNetFacts,
    controlnet_path,
    facts_of_controlnet,
)
from engine.contract.errors import EngineError, ModelError, first_line
from engine.contract.weights import WEIGHTS
from engine.families.base import Model
from engine.families.loading import dtype_for
from engine.runtime.devices import is_oom
from engine.runtime.placement import put_beside

_HALF = ".fp16"
_SIZES = (
    *("block_out_channels", "cross_attention_dim", "in_channels", "layers_per_block"),
    *("attention_head_dim", "num_attention_heads", "joint_attention_dim"),
)
"""What a ControlNet and the network beside it must have in common."""


_SEEING = ("conv_in", "blocks.1", "blocks.3", "blocks.5")


def load_controlnet(name: str, folder: Path, model: Model) -> Any:
    """Load a ControlNet that is to hold what a model generates, from safetensors only.

    `folder` is where a relative path starts.

    Raises: EngineError of kind `model` where it cannot be loaded, or was made for another model.
    """
    path, facts = controlnet_path(name, folder), facts_of_controlnet(name, folder)
    try:
        net = _from_file(path, facts, model) if path.is_file() else _from_folder(path, facts, model)
    except EngineError:
        raise
    except Exception as error:
        if is_oom(error):
            raise
        message = f"the ControlNet {name} cannot be loaded: {type(error).__name__}: "
        advice = "its settings, or its weights, are damaged: download it again, whole"
        raise ModelError(message + first_line(error), advice) from error
    _require_alike(name, net, model)
    net.eval().requires_grad_(False)
    put_beside(net, model.network, model.device.torch_device)
    return model.complete(net)


def _from_folder(path: Path, facts: ControlNetFacts, model: Model) -> Any:
    plain = (path / f"{STEM}{WEIGHTS}").exists() or any(path.glob(f"{STEM}-*{WEIGHTS}"))
    return _class_of(facts).from_pretrained(
        str(path),
        torch_dtype=dtype_for(model.family, model.device),
        use_safetensors=True,
        variant=None if plain else _HALF[1:],
        local_files_only=True,
    )


def _from_file(path: Path, facts: ControlNetFacts, model: Model) -> Any:
    """Load a file of weights alone: what it does not say of itself is as in the model's network."""
    from diffusers.loaders.single_file_utils import convert_controlnet_checkpoint
    from safetensors.torch import load_file

    beside = path.with_name(CONFIG)
    cls = _class_of(facts)
    state = load_file(str(path))
    with torch.device("meta"):
        if beside.is_file():
            net = cls.from_config(cls.load_config(str(beside)))
        else:
            net = cls.from_unet(model.network, load_weights_from_unet=False)
            # What begins with _ are notes, of which some undo what is set here.
            own = {name: value for name, value in net.config.items() if name[0] != "_"}
            net = cls.from_config({**own, **_sizes_in(state)})
    if facts.class_name != UNION:
        state = convert_controlnet_checkpoint(state, net.config)
    try:
        net.load_state_dict(state, strict=True, assign=True)
    except RuntimeError as error:
        message = f"{path} is not built as the model's network is: {first_line(error)}"
        advice = "put its config.json beside it, or give one made for this model"
        raise ModelError(message, advice) from error
    return net.to(dtype_for(model.family, model.device))


def _sizes_in(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Return what weights say of a ControlNet's own parts, which no network has."""
    sizes: dict[str, Any] = {}
    seen = [f"controlnet_cond_embedding.{part}.weight" for part in _SEEING]
    if seen[0] in state:
        widths = tuple(len(state[name]) for name in seen if name in state)
        sizes["conditioning_embedding_out_channels"] = widths
    if (tasks := state.get("task_embedding")) is not None:
        count, width = tasks.shape
        sizes |= {"num_control_type": count, "num_trans_channel": width, "num_proj_channel": width}
    return sizes


def _class_of(facts: ControlNetFacts) -> Any:
    import diffusers

    return getattr(diffusers, facts.class_name)


def _require_alike(name: str, net: Any, model: Model) -> None:
    for key in _SIZES:
        own, other = (_plain(part.config.get(key)) for part in (net, model.network))
        if own is not None and other is not None and own != other:
            message = f"the ControlNet {name} was made for another model: its {key} is {own}, "
            raise ModelError(
                f"{message}the model's {other}",
                f"give one made for {model.family.title} models of this size",
            )


def _plain(value: object) -> object:
    return list(value) if isinstance(value, list | tuple) else value
