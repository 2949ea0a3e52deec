"""IP-Adapters on this computer: what one is before it is loaded, what sees for it, what it fits."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from .adapters import (
    ADAPTERS,
    ADAPTERS_ID,
    ENCODER_CONFIG,
    ENCODERS,
    PictureEncoder,
    adapters_for,
    are_alike,
    known_adapter,
)
from .catalogue import cache_folder, folder_in_cache, is_hub_id
from .errors import ModelError, shown
from .families import FAMILIES
from .files import is_dir, is_there, path_in
from .lora_files import hub_lora
from .model_folders import read_object
from .models import ModelFacts
from .weights import WEIGHTS, Shapes, read_shapes, require_weights_name

PROJECTION, ATTENTION = "image_proj.", "ip_adapter."
"""How the names of an IP-Adapter's tensors begin."""
ENCODER_FOLDER = "image_encoder"
_OPENS = ("model", "pytorch_model")
_WHAT_IS_ONE = f"give an IP-Adapter: a {WEIGHTS} file, or one of the hub's: owner/name/file"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterFacts:
    """What an IP-Adapter on this computer says of itself."""

    sees_parts: bool
    """Whether it looks at a picture part by part, or at what all of it is."""
    seen: int
    """How many numbers its encoder gives for a part, or for the whole."""
    width: int
    layers: int
    numbers: int

    @property
    def encoder(self) -> PictureEncoder | None:
        """The known encoder of pictures that it was trained with, if it is one of them."""
        sides = ((one, one.hidden if self.sees_parts else one.projection) for one in ENCODERS)
        return next((one for one, side in sides if side == self.seen), None)


def adapter_complaint(
    model: str | None, facts: ModelFacts, folder: Path | None
) -> tuple[str, str] | None:
    """Return why a model cannot follow a reference picture, and what to do; None where it can.

    `folder` is where a relative path starts; without it files are not looked at.
    """
    if not facts.is_known:
        return None  # of what is guessed nothing follows
    title = facts.family.title
    if not facts.family.follows:
        titles = ", ".join(one.title for one in FAMILIES.values() if one.follows)
        remedy = f"start from the picture, in an image region, or use a model of: {titles}"
        return f"{title} follows no reference pictures", remedy
    if facts.family.sees_references:
        if model is None:
            return None
        return f"{title} sees reference pictures itself, without an IP-Adapter", "leave it out"
    if model is None:
        return None if adapters_for(facts) else _none_is_known(facts)
    known = known_adapter(model.strip())
    if known is not None:
        if known.goes_with(facts):
            return None
        made_for = known.title.rpartition("for ")[2]
        return f"{known.id} was made for {made_for}, not for this model", _advice(facts)
    if folder is None or not is_there(path_in(folder, model.strip())):
        return None  # whether it is on this computer shows when it is loaded
    try:
        found = facts_of_adapter(model, folder)
    except ModelError as error:
        return error.message.removeprefix("model: "), error.advice
    return adapter_misfit(found, model, facts)


def adapter_misfit(found: AdapterFacts, name: str, facts: ModelFacts) -> tuple[str, str] | None:
    """Return why an IP-Adapter does not go with a model."""
    if are_alike(found.width, facts.width):
        return None
    message = (
        f"{name} was made for networks that are {found.width} numbers wide, "
        f"this model's is {facts.width}"
    )
    return message, _advice(facts)


def _none_is_known(facts: ModelFacts) -> tuple[str, str]:
    message = f"no IP-Adapter is known that goes with this model ({facts.family.title})"
    return message, "name one in model, or use Stable Diffusion 1.5, SDXL or FLUX.2"


def _advice(facts: ModelFacts) -> str:
    ids = [one.id for one in adapters_for(facts)]
    return f"give one of: {', '.join(ids)}" if ids else f"give one made for {facts.family.title}"


def facts_of_adapter(name: str, folder: Path) -> AdapterFacts:
    """Return what an IP-Adapter on this computer is, by its header; no tensor is read.

    Raises: ModelError where it is not there, or none that runs.
    """
    path = adapter_path(name, folder)
    require_weights_name(path, WEIGHTS)
    stat = path.stat()
    return _facts(path, stat.st_size, stat.st_mtime_ns)


def adapter_path(name: str, folder: Path) -> Path:
    """Return the file of an IP-Adapter.

    Raises: ModelError where it is not on this computer.
    """
    name = name.strip()
    path = path_in(folder, name)
    if is_dir(path) or (not is_there(path) and is_hub_id(name)):
        raise ModelError(f"{name} holds several files, or none", f"name one: {name}/FILE{WEIGHTS}")
    if is_there(path):
        return path
    hub = hub_lora(name)
    if hub is None:
        raise ModelError(f"there is no file {name!r} in {folder}", _WHAT_IS_ONE)
    cached = _in_cache(*hub)
    if cached is None:
        message = f"the IP-Adapter {name} is not on this computer, in {folder} or the hub's cache"
        raise ModelError(message, f"mend the path, or {_download(name)}")
    return cached


def encoder_folder(path: Path, facts: AdapterFacts) -> Path:
    """Return the folder of the encoder that sees for an IP-Adapter: beside it, or the hub's.

    Raises: ModelError where there is none that fits.
    """
    wanted = "hidden_size" if facts.sees_parts else "projection_dim"
    for folder in _encoders_near(path, facts):
        if read_object(folder / ENCODER_CONFIG).get(wanted) == facts.seen and _weights(folder):
            return folder
    known = facts.encoder
    kind = known.title if known else f"with a {wanted} of {facts.seen}"
    message = f"the encoder of pictures of {path.name} ({kind}) is not on this computer"
    beside = f"put it into a folder {ENCODER_FOLDER} beside it ({ENCODER_CONFIG}, {WEIGHTS})"
    if known is None:
        raise ModelError(message, beside)
    with_it = next(one.id for one in ADAPTERS if one.encoder == known)
    raise ModelError(message, f"{_download(with_it)}, with which it comes, or {beside}")


def is_adapter_here(name: str) -> bool:
    """Return whether an IP-Adapter of the hub is on this computer, with its encoder."""
    try:
        path = adapter_path(name, Path())
        encoder_folder(path, facts_of_adapter(name, Path()))
    except ModelError:
        return False
    return True


def _encoders_near(path: Path, facts: AdapterFacts) -> Iterator[Path]:
    yield path.parent / ENCODER_FOLDER
    yield path.parent.parent / ENCODER_FOLDER
    if facts.encoder is not None:
        cached = _in_cache(ADAPTERS_ID, facts.encoder.files[0])
        if cached is not None:
            yield cached.parent


def _in_cache(id_: str, file: str) -> Path | None:
    snapshots = folder_in_cache(id_, cache_folder(os.environ)).glob("snapshots/*")
    found = [snapshot / file for snapshot in snapshots if is_there(snapshot / file)]
    return max(found, key=lambda one: one.stat().st_mtime, default=None)


def _weights(folder: Path) -> list[Path]:
    return sorted(file for stem in _OPENS for file in folder.glob(f"{stem}*{WEIGHTS}"))


def _download(name: str) -> str:
    return f"download it: the button beside the picture, or `python -m engine download {name}`"


def is_adapter(names: Iterable[str]) -> bool:
    """Return whether tensors of these names are an IP-Adapter's."""
    starts = {name.partition(".")[0] for name in names}
    return {PROJECTION[:-1], ATTENTION[:-1]} <= starts


@lru_cache(maxsize=32)
def _facts(path: Path, size: int, changed_ns: int) -> AdapterFacts:
    return facts_of_shapes(read_shapes(path), path.name)


def facts_of_shapes(shapes: Shapes, called: str) -> AdapterFacts:
    """Return what an IP-Adapter is by the names and shapes of its tensors.

    Source: diffusers.loaders.unet, which tells its kinds apart by the same names.

    Raises: ModelError where it is none that runs.
    """
    keys = [name for name in shapes if name.endswith(".to_k_ip.weight")]
    if not is_adapter(shapes) or not keys:
        first = next(iter(shapes), "nothing")
        message = f"{called} is no IP-Adapter that is run here (it holds {shown(first[:60])})"
        raise ModelError(message, _WHAT_IS_ONE)

    def side(name: str, axis: int) -> int:
        shape = shapes.get(f"{PROJECTION}{name}", ())
        return shape[axis] if len(shape) > axis else 0

    if f"{PROJECTION}proj.weight" in shapes:
        sees_parts, seen = False, side("proj.weight", 1)
    elif f"{PROJECTION}proj.3.weight" in shapes:
        sees_parts, seen = True, side("proj.0.weight", 0)
    elif f"{PROJECTION}latents" in shapes:
        sees_parts, seen = True, side("proj_in.weight", 1)
    else:
        message = f"{called} is a FaceID adapter, which needs a program that recognises faces"
        raise ModelError(message, "use one for faces without FaceID in its name")
    return AdapterFacts(
        sees_parts=sees_parts,
        seen=seen,
        width=next(iter(shapes[keys[0]][::-1]), 0),
        layers=len(keys),
        numbers=sum(map(math.prod, shapes.values())),
    )
