"""Models by name: the bundled one, a folder, a single file, or a hub id."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from engine.contract.catalogue import (
    BUNDLED_FOLDER,
    NOTE,
    cache_folder,
    is_hub_id,
    local_snapshot,
)
from engine.contract.errors import EngineError
from engine.contract.job import BUNDLED_MODEL
from engine.families.components import Components
from engine.families.schedules import Schedule, build_scheduler
from engine.families.sd import UNetDenoiser
from engine.runtime.autoencoder import KLCodec
from engine.runtime.devices import Device, give_memory_back, is_oom

log = logging.getLogger(__name__)

_UNUSED = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}


def resolve(name: str | None, folder: Path) -> str:
    """Return what a job's model name stands for: an absolute path, or a hub id.

    `folder` is where relative paths start.

    Raises: EngineError of kind `model` where a path's target is not there.
    """
    if name is None or name == BUNDLED_MODEL:
        return str(BUNDLED_FOLDER)
    path = folder / name
    if path.exists():
        return str(path.resolve())
    if is_hub_id(name):
        return name
    raise EngineError(
        f"model: there is no folder or file {name!r} in {folder}",
        kind="model",
        advice="give a folder in diffusers' format, a .safetensors file, a hub id such as "
        f"owner/name, or {BUNDLED_MODEL!r}",
    )


def model_info(resolved: str) -> dict[str, Any]:
    """Return what a model's own note says of it: title, trained, native size, good settings."""
    path = Path(resolved) / NOTE
    if not path.is_file():
        return {}
    info: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return info


def load_components(resolved: str, device: Device) -> Components:
    """Load a Stable Diffusion 1.x or 2.x model, from safetensors only.

    Raises: EngineError of kind `model` where it cannot be loaded, of kind `memory` where it does
    not fit, with what to do.
    """
    pipeline = _load_pipeline(resolved, device)
    try:
        return components_of(pipeline, device)
    except (RuntimeError, MemoryError) as error:
        if is_oom(error):
            raise _too_large(resolved) from error
        raise


def components_of(pipeline: Any, device: Device) -> Components:
    """Return the components of a diffusers StableDiffusionPipeline that is already loaded."""
    for module in (pipeline.text_encoder, pipeline.vae, pipeline.unet):
        module.eval().requires_grad_(False)
        if module is not pipeline.text_encoder:
            # Convolutions are quicker so, on CPUs too, and compute the same.
            module.to(memory_format=torch.channels_last)
        _put(module, device.torch_device)
    config: Mapping[str, Any] = {
        **pipeline.scheduler.config,
        "_class_name": type(pipeline.scheduler).__name__,
    }

    def make_schedule(name: str | None, num_inference_steps: int) -> Schedule:
        scheduler = build_scheduler(name, config)
        return Schedule(scheduler, num_inference_steps)

    return Components(
        denoiser=UNetDenoiser(pipeline),
        autoencoder=KLCodec(pipeline.vae),
        make_schedule=make_schedule,
        device=device,
    )


def _put(module: Any, device: torch.device) -> None:
    """Put a part of a model on a device, layer by layer in turn where it does not fit as a whole.

    Its weights then stay in the host's memory and visit the device: slower, the same result.
    """
    try:
        module.to(device)
    except (RuntimeError, MemoryError) as error:
        if not is_oom(error) or not hasattr(module, "enable_group_offload"):
            raise
    else:
        return
    # Only here, where the error no longer holds what was brought over already.
    host = torch.device("cpu")
    module.to(host)
    give_memory_back(device)
    log.warning("%s is larger than the memory of %s", type(module).__name__, device)
    module.enable_group_offload(
        onload_device=device, offload_device=host, offload_type="leaf_level"
    )


def _load_pipeline(resolved: str, device: Device) -> Any:
    from diffusers import StableDiffusionPipeline

    load: Any = StableDiffusionPipeline.from_pretrained
    dtypes = {"vae": torch.float32, "default": device.dtype}
    settings: dict[str, Any] = {"dtype": dtypes, "use_safetensors": True, **_UNUSED}
    path = Path(resolved)
    try:
        if path.is_file():
            return _load_single_file(path, settings)
        if not path.exists():
            path = _from_cache(resolved)
        _check_folder(path)
        return load(str(path), **settings)
    except EngineError:
        raise
    except Exception as error:
        if is_oom(error):
            raise _too_large(resolved) from error
        raise _explained(resolved, error) from error


def _from_cache(id_: str) -> Path:
    """Return where a hub's model lies on this computer; nothing is fetched without being asked."""
    found = local_snapshot(id_, cache_folder(os.environ))
    if found is None:
        raise EngineError(
            f"model: {id_} is not on this computer",
            kind="model",
            advice="download it first: the button beside the model, or "
            f"`python -m engine download {id_}`",
        )
    return found


def _check_folder(path: Path) -> None:
    if path.is_dir() and not (path / "model_index.json").is_file():
        raise EngineError(
            f"model: {path} holds no model_index.json",
            kind="model",
            advice="give the top folder of a model in diffusers' format",
        )


def _load_single_file(path: Path, settings: dict[str, Any]) -> Any:
    from diffusers import StableDiffusionPipeline

    if path.suffix != ".safetensors":
        raise EngineError(
            f"model: {path.name} is not a .safetensors file",
            kind="model",
            advice="pickled checkpoints can run code and are never loaded; convert it first",
        )
    beside = path.with_suffix("")
    if beside.is_dir():
        settings["config"] = str(beside)
    elif (original := path.with_suffix(".yaml")).is_file():
        settings["original_config"] = str(original)
    return StableDiffusionPipeline.from_single_file(str(path), **settings)


def _too_large(resolved: str) -> EngineError:
    message = f"the model {resolved} does not fit into memory"
    return EngineError(message, kind="memory", advice="close other programs")


def _explained(resolved: str, error: Exception) -> EngineError:
    text = str(error).strip().splitlines()
    first = text[0] if text else ""
    message = f"model: {resolved} cannot be loaded: {type(error).__name__}: {first}"
    if isinstance(error, OSError) and not Path(resolved).exists():
        advice = "check the id, the network and your access to it, or give a local folder"
    else:
        advice = "give a Stable Diffusion 1.x or 2.x model with .safetensors weights"
    return EngineError(message, kind="model", advice=advice)
