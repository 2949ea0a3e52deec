"""Models in diffusers' format: what must be in a folder before anything of it is loaded."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from .errors import ModelError, shown
from .families import Family, family_of_pipeline
from .foreign_models import EDM, LORA, Foreign, foreign_channels, foreign_class
from .weights import PICKLES, WEIGHTS, read_shapes

INDEX = "model_index.json"
VARIANTS = ("fp16", "bf16")
"""What files of weights in half precision are called so by, `model.fp16.safetensors`."""

_MAX_CONFIG_BYTES = 2**24
_LIBRARIES = ("diffusers", "transformers")
_SCHEDULER = "scheduler/scheduler_config.json"
_OF_DIFFUSERS, _OF_TRANSFORMERS = "diffusion_pytorch_model", "model"
_LAYERS = (
    *("layers_per_block", "transformer_layers_per_block", "num_hidden_layers"),
    *("down_block_types", "up_block_types"),
)
_POSITIVE = (
    *(
        (f"{network}/config.json", key)
        for network in ("unet", "transformer")
        for key in ("in_channels", "out_channels", "sample_size")
    ),
    ("vae/config.json", "latent_channels"),
    ("vae/config.json", "scaling_factor"),
    ("tokenizer/tokenizer_config.json", "model_max_length"),
    ("tokenizer_2/tokenizer_config.json", "model_max_length"),
)
_PREDICTIONS = ("epsilon", "v_prediction", "sample")
_WHOLE = "download the model again, whole"


def read_object(path: Path) -> dict[str, Any]:
    """Return the object that a JSON file holds, an empty one where it holds none."""
    try:
        return _object(path)
    except ModelError:
        return {}


def network_width(config: Mapping[str, Any]) -> int:
    """Return how many numbers a word is to a UNet, a token to a transformer; 0 where none is said.

    By it ControlNets are told apart that go with one model of a family and not with another.
    """
    sides = [config.get("num_attention_heads"), config.get("attention_head_dim")]
    for numbers in ([config.get("cross_attention_dim")], sides, [config.get("dim")]):
        if all(isinstance(number, int) for number in numbers):
            return math.prod(number for number in numbers if isinstance(number, int))
    return 0


def family_of_folder(folder: Path) -> Family | None:
    """Return the family of a model in diffusers' format, None where it is of no known one."""
    return family_of_pipeline(str(read_object(folder / INDEX).get("_class_name")))


def require_folder(folder: Path) -> None:
    """See that a folder is a model that a family here runs, and is whole; no tensor is read.

    Raises: ModelError that names what is wrong, or missing.
    """
    if not (folder / INDEX).exists():
        raise _without_index(folder)
    require_parts(folder, require_config(folder).weighted_parts)


def require_parts(folder: Path, parts: Iterable[str]) -> None:
    """See that parts of a model are whole.

    Raises: ModelError that names what is missing.
    """
    for part in parts:
        _require_layers(folder / part, _count_tensors(folder / part))


def require_config(folder: Path, tensors: int | None = None) -> Family:
    """Return the family of a model whose settings lie in a folder, all of them.

    `tensors` are those of a single file that it is the configuration of.

    Raises: ModelError that names what is wrong, or missing.
    """
    family = require_pipeline(folder, str(folder))
    index = _object(folder / INDEX)
    for part in family.parts:
        _require_part(folder, part, index.get(part), dict(family.classes).get(part))
    for file in (*(f"{part}/config.json" for part in family.weighted_parts), _SCHEDULER):
        _object(folder / file)
    for file, key in _POSITIVE:
        _require_positive(folder / file, key)
    kind = _object(folder / _SCHEDULER).get("prediction_type", _PREDICTIONS[0])
    if kind not in _PREDICTIONS:
        message = f"{folder / _SCHEDULER} has prediction_type {shown(kind)}"
        raise ModelError(message, f"it can be one of: {', '.join(_PREDICTIONS)}")
    if foreign := foreign_parts(folder, family):
        raise _is(folder, foreign)
    if tensors is not None:
        for part in family.weighted_parts:
            _require_layers(folder / part, tensors)
    return family


def require_pipeline(folder: Path, called: str) -> Family:
    """Return the family of a model by its index.

    Raises: ModelError where no family here runs it.
    """
    name = _object(folder / INDEX).get("_class_name")
    if not isinstance(name, str):
        raise ModelError(f"{folder / INDEX} names no _class_name", _WHOLE)
    family = family_of_pipeline(name)
    if family is None:
        foreign = foreign_class(name)
        raise ModelError(f"{called} is {foreign.title}", foreign.remedy)
    return family


def foreign_parts(folder: Path, family: Family) -> Foreign | None:
    """Return what a model is by the settings of its parts, None where its family runs it."""
    network = read_object(folder / family.network / "config.json")
    seen = network.get("in_channels", family.network_channels)
    if foreign := foreign_channels(seen, family):
        return foreign
    made = network.get("out_channels") or seen
    if made not in (seen, family.channels):
        return Foreign(f"a model whose network makes {shown(made)} channels")
    vae = read_object(folder / "vae" / "config.json")
    cells = vae.get("latent_channels", vae.get("z_dim", family.vae_channels))
    if cells != family.vae_channels:
        return Foreign(f"a model whose autoencoder makes {shown(cells)} channels")
    scheduler = read_object(folder / _SCHEDULER)
    return EDM if "EDM" in str(scheduler.get("_class_name")) else None


def _count_tensors(part: Path) -> int:
    """Return how many tensors a part of a model has, all of them there and whole.

    Raises: ModelError.
    """
    if files := weight_files(part):
        return sum(len(read_shapes(file)) for file in files)
    if any(path.suffix.lower() in PICKLES for path in part.iterdir()):
        raise ModelError(
            f"{part} has its weights as a pickle alone, which can run code when it is loaded",
            f"get the model with {WEIGHTS} weights, or convert it",
        )
    raise ModelError(f"{part} holds no weights", _WHOLE)


def weight_files(part: Path) -> list[Path]:
    """Return the files of a part's weights that are loaded, none where there are none.

    Raises: ModelError where its index says of no tensor where it is.
    """
    kinds = (list(_weights(part, kind)) for kind in ("", *(f".{one}" for one in VARIANTS)))
    return next((files for files in kinds if files), [])


def _weights(part: Path, kind: str) -> Iterator[Path]:
    """Yield the files of a part's weights in one precision, of those that libraries load."""
    for stem in (_OF_DIFFUSERS, _OF_TRANSFORMERS):
        single = part / f"{stem}{kind}{WEIGHTS}"
        index = part / f"{stem}{WEIGHTS}.index{kind}.json"
        if index.exists():
            places = _object(index).get("weight_map")
            if not isinstance(places, dict) or not places:
                raise ModelError(f"{index} says of no tensor where it is", _WHOLE)
            for name in sorted(set(map(str, places.values()))):
                if Path(name).name != name or "\\" in name or not name.endswith(WEIGHTS):
                    message = f"{index} names {shown(name)}, which is no {WEIGHTS} file beside it"
                    raise ModelError(message, "get the model from another source")
                yield part / name
        elif single.exists():
            yield single


def _require_part(folder: Path, part: str, entry: object, class_name: str | None) -> None:
    match entry:
        case [str() as library, str() as name] if library in _LIBRARIES:
            if class_name not in (None, name):
                raise _is(folder, Foreign(f"a model whose {part} is a {name}"))
        case None | [None, *_]:
            raise ModelError(f"{folder / INDEX} says that there is no {part}", _WHOLE)
        case _:
            message = f"{folder / INDEX} has {shown(entry)} as its {part}"
            raise ModelError(message, "get the model from another source")
    if not (folder / part).is_dir():
        raise ModelError(f"{folder} has no folder {part}", _WHOLE)


def _require_positive(path: Path, key: str) -> None:
    value = read_object(path).get(key)
    if value is not None and not (isinstance(value, int | float) and 0 < value < math.inf):
        raise ModelError(f"{path} has {key} {shown(value)}, not a number above 0", _WHOLE)


def _require_layers(part: Path, tensors: int) -> None:
    """See that a network is no larger than its weights are; to build one takes what it says."""
    config = _object(part / "config.json")
    for key in _LAYERS:
        value = config.get(key, 0)
        if _largest(value) > tensors:
            message = f"{part / 'config.json'} has {key} {shown(value)}, more than its weights"
            raise ModelError(message, _WHOLE)


def _largest(value: object) -> float:
    """Return the largest of the numbers in lists, however deep, and of the lists' lengths."""
    found, rest = 0.0, [value]
    while rest:
        match rest.pop():
            case int() | float() as number:
                found = max(found, number)
            case list() as items:
                found = max(found, len(items))
                rest += items
    return found


def _without_index(folder: Path) -> ModelError:
    """Return the error of a folder that is no whole model, with what it is."""
    config = read_object(folder / "config.json")
    architectures = config.get("architectures")
    name = config.get("_class_name") or (isinstance(architectures, list) and architectures[:1])
    if name:
        return _is(folder, foreign_class(name if isinstance(name, str) else str(name[0])))
    try:
        files = sorted(path.name for path in folder.iterdir() if path.is_file())
    except OSError as error:
        message = f"{folder} cannot be read: {error.strerror or error}"
        return ModelError(message, "allow reading it")
    if "adapter_config.json" in files or any(file.startswith("pytorch_lora") for file in files):
        return _is(folder, LORA)
    weights = [file for file in files if file.lower().endswith(WEIGHTS)]
    if weights:
        advice = f"give a file in it, such as {weights[0]}, or a folder in diffusers' format"
    else:
        advice = "give the top folder of a model in diffusers' format"
    return ModelError(f"{folder} holds no {INDEX}", advice)


def _is(folder: Path, foreign: Foreign) -> ModelError:
    return ModelError(f"{folder} is {foreign.title}", foreign.remedy)


def _object(path: Path) -> dict[str, Any]:
    """Return the object that a JSON file holds.

    Raises: ModelError where it holds none.
    """
    try:
        if not path.is_file():  # also what would never end, such as a pipe
            raise ModelError(f"there is no file {path}", _WHOLE)
        with path.open("rb") as file:
            text = file.read(_MAX_CONFIG_BYTES)
        value = json.loads(text)
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror or error}"
        raise ModelError(message, "allow reading it") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path} is no JSON: {error}", _WHOLE) from error
    if not isinstance(value, dict):
        raise ModelError(f"{path} holds {shown(value)}, not an object in braces", _WHOLE)
    return value
