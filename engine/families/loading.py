"""Models by name: the bundled one, a folder, a single file, or a hub id."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import nn

from engine.contract.catalogue import BUNDLED_FOLDER, cache_folder, local_snapshot
from engine.contract.errors import EngineError, ModelError, first_line
from engine.contract.families import Family, family_of_pipeline, family_titles
from engine.contract.files import is_file, is_there, path_in
from engine.contract.fitting import too_large
from engine.contract.foreign_models import family_of_shapes, foreign_class
from engine.contract.job import BUNDLED_MODEL
from engine.contract.memory import MemoryPlan, Work, plans
from engine.contract.model_folders import VARIANTS, read_object, require_pipeline
from engine.contract.models import config_beside, require_model
from engine.contract.networks import Network, network_of, require_rest
from engine.contract.weights import WEIGHTS, read_shapes
from engine.families.base import Model
from engine.families.network_files import load_network
from engine.runtime.devices import Device, give_memory_back, is_oom, machine_of
from engine.runtime.placement import footprint_of_parts, place

log = logging.getLogger(__name__)

CONFIGS = Path(__file__).parent / "configs"
"""What a single file does not say of its model: the sizes of its parts, and the tokenizer."""

_PREDICTS_V = re.compile(r"^\s*parameterization:\s*[\"']?v[\"']?\s*$", re.MULTILINE)
_FEW_BYTES = 2**28
_VIDEO_NDIM = 5  # of the weights of autoencoders that know a time axis


def resolve(name: str | None, folder: Path) -> str:
    """Return what a job's model name stands for: an absolute path, or a hub id.

    `folder` is where relative paths start.

    Raises: EngineError of kind `model` where it is not on this computer.
    """
    if name is None or name == BUNDLED_MODEL:
        return str(BUNDLED_FOLDER)
    require_model(name, folder)
    path = path_in(folder, name)
    return str(path.resolve()) if is_there(path) else name


def load_model(resolved: str, device: Device, plan: MemoryPlan | None = None) -> Model:
    """Load a model of any known family, from safetensors only.

    `plan` says where its parts go; without one it is made of what was loaded.

    Raises: EngineError of kind `model` where it cannot be loaded, of kind `memory` where it does
    not fit, with what to do.
    """
    try:
        with _threads_for(Path(resolved)):
            return model_of(_load_pipeline(resolved, device), device, plan)
    except (RuntimeError, MemoryError) as error:
        if is_oom(error):
            message = f"the model {resolved} does not fit into memory"
            raise EngineError(
                message, kind="memory", advice="close other programs, or choose a smaller model"
            ) from error
        raise


def import_classes(family: Family) -> None:
    """Import what models of a family are made of, so that loading one is reading alone."""
    _pipeline_class(_class_of(family))


@contextmanager
def _threads_for(model: Path) -> Iterator[None]:
    """Load a small model with one thread: thousands of operations, each shorter than a wait.

    Where something else keeps the cores busy, each of them would wait for its other threads.
    """
    threads = torch.get_num_threads()
    files = [model] if is_file(model) else model.glob(f"*/*{WEIGHTS}")
    with suppress(OSError):  # whoever loads them says what is wrong with them
        sizes = [file.stat().st_size for file in files]
        if sizes and sum(sizes) <= _FEW_BYTES:
            torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def model_of(pipeline: Any, device: Device, plan: MemoryPlan | None = None) -> Model:
    """Return the model of a diffusers pipeline that is already loaded, its parts where they go.

    Raises: EngineError of kind `model` where no family runs it, of kind `memory` where no plan
    would have it fit.
    """
    classes = [family_of_pipeline(cls.__name__) for cls in type(pipeline).__mro__]
    family = next((found for found in classes if found), None)
    if family is None:
        foreign = foreign_class(type(pipeline).__name__)
        raise ModelError(f"the pipeline is {foreign.title}", foreign.remedy)
    parts = {n: p for n, p in pipeline.components.items() if isinstance(p, nn.Module)}
    for name, part in parts.items():
        part.eval().requires_grad_(False)
        if name in ("unet", "vae") and all(p.ndim < _VIDEO_NDIM for p in part.parameters()):
            # Convolutions are quicker so, on CPUs too, and compute the same.
            part.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    _place(parts, family, device, plan)
    return _class_of(family)(pipeline, device)


def _place(
    parts: dict[str, nn.Module], family: Family, device: Device, plan: MemoryPlan | None
) -> None:
    """Put parts where a plan has them, or a more frugal one where the device has less after all."""
    machine, name = machine_of(device), f"a {family.title} model"
    footprint, work = footprint_of_parts(parts, family.network), Work.of_square(family.native_px)
    ways = list(plans(footprint, family, work, machine, is_small=device.is_small))
    if plan is not None:
        ways = [plan, *(way for way in ways if way.needed_bytes < plan.needed_bytes)]
    if not ways:
        raise too_large(name, footprint, family, work, machine)
    for number, way in enumerate(ways, start=1):
        try:
            place(parts, family.network, way, device.torch_device)
        except (RuntimeError, MemoryError) as error:
            if not is_oom(error) or number == len(ways):
                raise
        else:
            return
        # Only here, where the error no longer holds what was brought over already.
        for part in parts.values():
            part.to(torch.device("cpu"))
        give_memory_back(device.torch_device)
        log.warning("%s is larger than the memory of %s", name, device.torch_device)


def dtype_for(family: Family, device: Device) -> torch.dtype:
    """Return the precision of a family's network: the device's, where its numbers fit into it."""
    if device.dtype == torch.float16 and not family.takes_float16:
        return torch.float32
    return device.dtype


def _class_of(family: Family) -> type[Model]:
    found: type[Model] = import_module(f"engine.families.{family.name}").LoadedModel
    return found


def _load_pipeline(resolved: str, device: Device) -> Any:
    require_model(resolved, Path())
    path = Path(resolved)
    try:
        if path.is_file():
            shapes = read_shapes(path)
            if family_of_shapes(shapes) is None and (network := network_of(shapes)):
                return _load_around(path, network, device)
            with _in_small_letters(path) as file:
                return _load_single_file(file, device)
        cached = None if path.exists() else local_snapshot(resolved, cache_folder(os.environ))
        return _load_folder(cached or path, device)
    except EngineError:
        raise
    except Exception as error:
        if is_oom(error):
            raise
        raise _explained(resolved, error) from error


def _load_around(path: Path, network: Network, device: Device) -> Any:
    """Load a network that stands alone in a file, and the rest of a model around it."""
    rest = require_rest(path, network)
    loaded = load_network(path, network, rest, dtype_for(rest.family, device))
    log.info("the rest of %s is that of %s", path, rest.id or rest.folder)
    return _load_folder(rest.folder, device, **{network.part: loaded})


def _load_folder(path: Path, device: Device, **given: Any) -> Any:
    """Load a model in diffusers' format; `given` are parts that are loaded already."""
    family = require_pipeline(path, str(path))
    dtypes = {"vae": torch.float32, "default": dtype_for(family, device)}
    settings: dict[str, Any] = {"dtype": dtypes, "use_safetensors": True}
    # A part in half precision alone is told apart by its files' names.
    wanted = [part for part in family.weighted_parts if part not in given]
    parts = [list((path / part).glob("*.safetensors")) for part in wanted]
    for variant in VARIANTS:
        if any(files and all(f".{variant}" in file.name for file in files) for files in parts):
            settings["variant"] = variant
    model = _class_of(family)
    load = _pipeline_class(model).from_pretrained
    try:
        return load(str(path), **settings, **model.UNUSED, **given)
    except Exception as error:
        if is_oom(error):
            raise
        # Each without the others, to name the one that cannot be.
        for part in (part for part in family.parts if part not in given):
            others = {other: None for other in family.parts if other != part}
            try:
                load(str(path), **settings, **{**model.UNUSED, **others})
            except Exception as fault:
                raise _damaged(path / part, fault) from error
        raise


@contextmanager
def _in_small_letters(path: Path) -> Iterator[Path]:
    """Give a file by a name that diffusers knows as safetensors, what lies beside it too."""
    if path.suffix == WEIGHTS:
        yield path
        return
    with TemporaryDirectory() as folder:
        for beside in (path, path.with_suffix(""), path.with_suffix(".yaml")):
            if beside.exists():
                named = Path(folder, beside.name)
                named = named.with_suffix(WEIGHTS) if beside == path else named
                named.symlink_to(beside, target_is_directory=beside.is_dir())
        yield Path(folder, path.name).with_suffix(WEIGHTS)


def _load_single_file(path: Path, device: Device) -> Any:
    names = read_shapes(path)
    family = family_of_shapes(names)
    assert family is not None, "the model was asked for"
    model = _class_of(family)
    if beside := config_beside(path):
        settings: dict[str, Any] = {"config": str(beside)}
    else:
        config = CONFIGS / model.single_file_config(names)
        settings = {"config": str(config), **_tokenizers(config)}
    settings["local_files_only"] = True
    pipeline = _pipeline_class(model).from_single_file(
        str(path), torch_dtype=device.dtype, **settings
    )
    if device.dtype != torch.float32:
        # Once more from the file: what was rounded to half precision stays so.
        pipeline.vae = type(pipeline.vae).from_single_file(
            str(path), torch_dtype=torch.float32, config=settings["config"], subfolder="vae"
        )
    if path.with_suffix(".yaml").is_file():
        _follow(path.with_suffix(".yaml"), pipeline)
    model.adjust_single_file(pipeline, names)
    return pipeline


def _tokenizers(config: Path) -> dict[str, Any]:
    """Return CLIP's tokenizer for each encoder; but for what fills short texts they are one."""
    from transformers import CLIPTokenizer

    clip = str(CONFIGS / "clip_tokenizer")
    return {
        part.parent.name: CLIPTokenizer.from_pretrained(clip, **read_object(part))
        for part in config.glob("*/tokenizer_config.json")
    }


def _follow(original: Path, pipeline: Any) -> None:
    """Have a model predict what its authors' configuration says: v, or else noise."""
    text = original.read_text(encoding="utf-8", errors="replace")
    kind = "v_prediction" if _PREDICTS_V.search(text) else "epsilon"
    pipeline.scheduler = type(pipeline.scheduler).from_config(
        pipeline.scheduler.config, prediction_type=kind
    )


def _pipeline_class(model: type[Model]) -> Any:
    import diffusers

    return getattr(diffusers, model.PIPELINE)


def _damaged(part: Path, error: Exception) -> ModelError:
    advice = "its settings, or its weights, are damaged: download the model again, whole"
    return ModelError(f"{part} cannot be loaded: {_in_a_line(error)}", advice)


def _explained(resolved: str, error: Exception) -> ModelError:
    if isinstance(error, OSError) and not Path(resolved).exists():
        advice = "check the id, the network and your access to it, or give a local folder"
    else:
        advice = f"give a {family_titles()} model with .safetensors weights"
    return ModelError(f"{resolved} cannot be loaded: {_in_a_line(error)}", advice)


def _in_a_line(error: Exception) -> str:
    text = first_line(error) if str(error).strip() else ""
    return f"{type(error).__name__}: {text}"
