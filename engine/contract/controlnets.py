"""ControlNets: which are known, which of diffusers' classes each family takes, what one is for.

A ControlNet goes with a model of its family whose network is as wide: Stable Diffusion 1 and 2 are
one family and not alike, as are 3.5 medium and large.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .catalogue import cache_folder, folder_in_cache, is_hub_id
from .controls import CONTROL_KINDS, DEPTH, EDGES, NORMAL, SEGMENTS
from .errors import ModelError, shown
from .families import FAMILIES, Family
from .files import is_dir, is_there, path_in
from .model_folders import network_width, read_object
from .models import ModelFacts
from .weights import PICKLES, WEIGHTS, Shapes, read_shapes, require_weights_name

CONFIG = "config.json"
STEM = "diffusion_pytorch_model"

CLASSES: Mapping[str, tuple[str, ...]] = {
    "ControlNetModel": ("sd", "sdxl"),
    "ControlNetUnionModel": ("sdxl", "sd"),
    "SD3ControlNetModel": ("sd3",),
    "FluxControlNetModel": ("flux",),
    "QwenImageControlNetModel": ("qwen_image",),
    "ZImageControlNetModel": ("z_image",),
}
"""diffusers' classes of ControlNets, each with the families that run it."""

UNION = "ControlNetUnionModel"
UNION_MODES: Mapping[str, int] = {
    "pose": 0,
    DEPTH: 1,
    "scribble": 2,
    EDGES: 3,
    NORMAL: 4,
    SEGMENTS: 5,
}
"""By which number a union of ControlNets knows what a picture shows."""

FLUX_MODES: Mapping[str, int] = {EDGES: 0, DEPTH: 2, "pose": 4}
"""The same for FLUX.1's unions, of those that are told."""

_STABILITY = "Stability AI's own, consent"
_FLUX_DEV = "FLUX's own, not for commercial use"
_OPENRAIL, _APACHE = "CreativeML OpenRAIL-M", "Apache-2.0"
_OPENRAIL_XL = "CreativeML OpenRAIL++-M"
_ANY = tuple(UNION_MODES)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownControlNet:
    """A ControlNet of the hub, and what it is for."""

    id: str
    title: str
    licence: str
    family: str
    width: int
    """How wide its models' networks are (`network_width`)."""
    kinds: tuple[str, ...]
    download_bytes: int
    """About what is fetched."""

    @property
    def size_text(self) -> str:
        """About how much is fetched, as a person says it."""
        return f"about {self.download_bytes / 1e9:.1f} GB"

    @property
    def text(self) -> str:
        """What it is, in a line."""
        return f"{self.title} · {self.licence} · {self.size_text}"

    def goes_with(self, facts: ModelFacts) -> bool:
        """Return whether it holds what a model generates."""
        return self.family == facts.family.name and _are_alike(self.width, facts.width)


def _known(
    id_: str, title: str, licence: str, family: str, width: int, gigabytes: float, *kinds: str
) -> KnownControlNet:
    return KnownControlNet(
        id=id_, title=title, licence=licence, family=family, width=width, kinds=kinds,
        download_bytes=round(gigabytes * 1e9),
    )  # fmt: skip


# The first of each kind is the one that is taken where nobody names one.
CONTROLNETS = (
    _known("lllyasviel/control_v11f1p_sd15_depth", "Depth for Stable Diffusion 1.5",
           _OPENRAIL, "sd", 768, 1.45, DEPTH),
    _known("lllyasviel/control_v11p_sd15_normalbae", "Normals for Stable Diffusion 1.5",
           _OPENRAIL, "sd", 768, 1.45, NORMAL),
    _known("lllyasviel/control_v11p_sd15_canny", "Edges for Stable Diffusion 1.5",
           _OPENRAIL, "sd", 768, 1.45, EDGES),
    _known("lllyasviel/control_v11p_sd15_lineart", "Drawn lines for Stable Diffusion 1.5",
           _OPENRAIL, "sd", 768, 1.45, EDGES),
    _known("lllyasviel/control_v11p_sd15_seg", "Segmentation for Stable Diffusion 1.5",
           _OPENRAIL, "sd", 768, 1.45, SEGMENTS),
    _known("lllyasviel/control_v11p_sd15_openpose", "Poses for Stable Diffusion 1.5",
           _OPENRAIL, "sd", 768, 1.45, "pose"),
    _known("lllyasviel/control_v11p_sd15_scribble", "Scribbles for Stable Diffusion 1.5",
           _OPENRAIL, "sd", 768, 1.45, "scribble"),
    _known("thibaud/controlnet-sd21-depth-diffusers", "Depth for Stable Diffusion 2.1",
           "Other", "sd", 1024, 1.46, DEPTH),
    _known("thibaud/controlnet-sd21-normalbae-diffusers", "Normals for Stable Diffusion 2.1",
           "Other", "sd", 1024, 1.46, NORMAL),
    _known("thibaud/controlnet-sd21-canny-diffusers", "Edges for Stable Diffusion 2.1",
           "Other", "sd", 1024, 1.46, EDGES),
    _known("thibaud/controlnet-sd21-ade20k-diffusers", "Segmentation for Stable Diffusion 2.1",
           "Other", "sd", 1024, 1.46, SEGMENTS),
    _known("xinsir/controlnet-union-sdxl-1.0", "All kinds for SDXL",
           _APACHE, "sdxl", 2048, 2.51, *_ANY),
    _known("diffusers/controlnet-depth-sdxl-1.0", "Depth for SDXL",
           _OPENRAIL_XL, "sdxl", 2048, 2.5, DEPTH),
    _known("diffusers/controlnet-canny-sdxl-1.0", "Edges for SDXL",
           _OPENRAIL_XL, "sdxl", 2048, 2.5, EDGES),
    _known("xinsir/controlnet-depth-sdxl-1.0", "Depth for SDXL, xinsir's",
           _APACHE, "sdxl", 2048, 2.5, DEPTH),
    _known("xinsir/controlnet-canny-sdxl-1.0", "Edges for SDXL, xinsir's",
           _APACHE, "sdxl", 2048, 2.5, EDGES),
    _known("stabilityai/stable-diffusion-3.5-large-controlnet-depth", "Depth for SD 3.5 large",
           _STABILITY, "sd3", 2432, 8.7, DEPTH),
    _known("stabilityai/stable-diffusion-3.5-large-controlnet-canny", "Edges for SD 3.5 large",
           _STABILITY, "sd3", 2432, 8.7, EDGES),
    _known("Shakker-Labs/FLUX.1-dev-ControlNet-Union-Pro-2.0", "Depth, edges, poses for FLUX.1",
           _FLUX_DEV, "flux", 3072, 4.3, DEPTH, EDGES, "pose"),
    _known("Shakker-Labs/FLUX.1-dev-ControlNet-Union-Pro", "Depth, edges, poses for FLUX.1, older",
           _FLUX_DEV, "flux", 3072, 6.6, DEPTH, EDGES, "pose"),
    _known("InstantX/Qwen-Image-ControlNet-Union", "Depth, edges, poses for Qwen-Image",
           _APACHE, "qwen_image", 3072, 3.5, DEPTH, EDGES, "pose"),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlNetFacts:
    """What a ControlNet on this computer says of itself."""

    class_name: str
    family: str
    width: int = 0
    """0 where it does not say."""
    modes: tuple[str, ...] = ()
    """What it knows, where it is a union that has to be told what a picture shows."""


def known_controlnet(id_: str | None) -> KnownControlNet | None:
    """Return the ControlNet of that name, where it is one of the known."""
    return next((one for one in CONTROLNETS if one.id == id_), None)


def known_for(facts: ModelFacts, kind: str) -> tuple[KnownControlNet, ...]:
    """Return the known ControlNets of a kind that go with a model; the first is its default."""
    return tuple(one for one in CONTROLNETS if kind in one.kinds and one.goes_with(facts))


def has_controls(family: Family) -> bool:
    """Return whether there are ControlNets of a family that the engine runs."""
    return any(family.name in names for names in CLASSES.values())


def name_for(model: str | None, kind: str, facts: ModelFacts) -> str | None:
    """Return the ControlNet that a control means; None where it names none and none is known."""
    if model is not None:
        return model.strip()
    if not facts.is_known:
        return None
    return next((one.id for one in known_for(facts, kind)), None)


def complaint_about(
    model: str | None, kind: str, facts: ModelFacts, folder: Path | None
) -> tuple[str, str] | None:
    """Return why a control cannot be with a model, and what to do; None where it can.

    `folder` is where a relative path starts; without it files are not looked at.
    """
    if not facts.is_known:
        return None  # of what is guessed nothing follows
    title = facts.family.title
    if not has_controls(facts.family):
        with_any = {name for names in CLASSES.values() for name in names}
        titles = " or ".join(f.title for f in FAMILIES.values() if f.name in with_any)
        return f"no ControlNet is run with {title}", f"leave it out, or use a {titles} model"
    if model is None:
        return None if known_for(facts, kind) else _none_is_known(kind, facts)
    known = known_controlnet(model.strip())
    if known is not None:
        if not known.goes_with(facts):
            made_for = FAMILIES[known.family].title
            if known.family == facts.family.name:
                made_for = known.title.rpartition(" for ")[2]
            return f"{known.id} was made for {made_for}, not for this model", _advice(kind, facts)
        if kind not in known.kinds:
            kinds = " or ".join(known.kinds)
            return f"{known.id} is for pictures of the kind {kinds}", _advice(kind, facts)
        return None
    if folder is None or not is_there(path_in(folder, model.strip())):
        return None  # whether it is on this computer shows when it is loaded
    try:
        found = facts_of_controlnet(model, folder)
    except ModelError as error:
        return error.message.removeprefix("model: "), error.advice
    return misfit(found, model, kind, facts)


def misfit(
    found: ControlNetFacts, name: str, kind: str, facts: ModelFacts
) -> tuple[str, str] | None:
    """Return why a ControlNet does not go with a model, or not with a kind of picture."""
    if found.family and found.family != facts.family.name:
        made_for = FAMILIES[found.family].title
        message = f"{name} is a ControlNet of {made_for}, the model is of {facts.family.title}"
        return message, _advice(kind, facts)
    if not _are_alike(found.width, facts.width):
        message = (
            f"{name} was made for networks that are {found.width} numbers wide, "
            f"this model's is {facts.width}"
        )
        return message, _advice(kind, facts)
    if found.modes and kind not in found.modes:
        known = ", ".join(found.modes)
        return f"{name} knows no pictures of the kind {kind}", f"use one of: {known}"
    return None


def _none_is_known(kind: str, facts: ModelFacts) -> tuple[str, str]:
    kinds = [one for one in CONTROL_KINDS if known_for(facts, one)]
    message = f"no ControlNet for {kind} is known that goes with this model"
    if kinds:
        return message, f"name one in model, or use one of the kinds: {', '.join(kinds)}"
    return message, "name one in model, or use Stable Diffusion 1.5 or SDXL"


def _advice(kind: str, facts: ModelFacts) -> str:
    ids = [one.id for one in known_for(facts, kind)]
    return f"give one of: {', '.join(ids)}" if ids else f"give one made for {facts.family.title}"


def _are_alike(width: int, other: int) -> bool:
    return 0 in (width, other) or width == other


def facts_of_controlnet(name: str, folder: Path) -> ControlNetFacts:
    """Return what a ControlNet on this computer is; no tensor is read.

    Raises: ModelError where it is not there, or none that runs.
    """
    path = controlnet_path(name, folder)
    if is_dir(path):
        config = read_object(path / CONFIG)
        class_name = str(config.get("_class_name"))
        if class_name not in CLASSES:
            what = f"a {class_name}" if config.get("_class_name") else f"a folder without {CONFIG}"
            raise ModelError(f"{name} is {what}, no ControlNet that is run here", _WHAT_IS_ONE)
        _require_weights(path, name)
        return ControlNetFacts(
            class_name=class_name,
            family=_family_of_config(class_name, config),
            width=network_width(config),
            modes=_modes(class_name, is_told=config.get("num_mode") is not None),
        )
    require_weights_name(path)
    return _facts_of_shapes(read_shapes(path), name)


_WHAT_IS_ONE = f"give a ControlNet: a hub id, a folder in diffusers' format, or a {WEIGHTS} file"


def controlnet_path(name: str, folder: Path) -> Path:
    """Return where a ControlNet lies: a folder in diffusers' format, or a file.

    Raises: ModelError where it is not on this computer.
    """
    name = name.strip()
    path = path_in(folder, name)
    if is_there(path):
        return path
    if not is_hub_id(name):
        raise ModelError(f"there is no folder or file {name!r} in {folder}", _WHAT_IS_ONE)
    snapshot = local_controlnet(name, cache_folder(os.environ))
    if snapshot is None:
        command = f"`python -m engine download {name}`"
        advice = f"download it first: the button beside the control, or {command}"
        raise ModelError(f"the ControlNet {name} is not on this computer", advice)
    return snapshot


def local_controlnet(id_: str, cache: Path) -> Path | None:
    """Return the newest complete copy of a ControlNet in the hub's cache."""
    snapshots = folder_in_cache(id_, cache).glob("snapshots/*")
    found = [path for path in snapshots if (path / CONFIG).is_file() and any(_weights(path))]
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def _weights(folder: Path) -> list[Path]:
    return [path for path in folder.glob(f"{STEM}*{WEIGHTS}") if path.is_file()]


def _require_weights(folder: Path, name: str) -> None:
    files = _weights(folder)
    for file in files:
        read_shapes(file)
    if files:
        return
    if any(path.suffix.lower() in PICKLES for path in folder.iterdir()):
        raise ModelError(
            f"{name} has its weights as a pickle alone, which can run code when it is loaded",
            f"get it with {WEIGHTS} weights, or convert it",
        )
    raise ModelError(f"{name} holds no {STEM}{WEIGHTS}", "download the ControlNet again, whole")


def _family_of_config(class_name: str, config: Mapping[str, Any]) -> str:
    families = CLASSES[class_name]
    if "sd" in families:
        return "sdxl" if config.get("addition_embed_type") == "text_time" else "sd"
    return families[0]


def _facts_of_shapes(shapes: Shapes, name: str) -> ControlNetFacts:
    """Return what a single file is by the names and shapes of its tensors.

    Source: diffusers.loaders.single_file_utils, and the state of its models.
    """
    names = {key.removeprefix("control_model.") for key in shapes}
    by_name = {key.removeprefix("control_model."): shape for key, shape in shapes.items()}
    if not names & {"controlnet_cond_embedding.conv_in.weight", "input_hint_block.0.weight"}:
        first = next(iter(shapes), "nothing")
        message = f"{name} is no ControlNet that is run here (it holds {shown(first[:60])})"
        raise ModelError(message, _WHAT_IS_ONE)
    is_xl = bool(names & {"add_embedding.linear_1.weight", "label_emb.0.0.weight"})
    widths = (by_name[key][-1] for key in sorted(names) if key.endswith("attn2.to_k.weight"))
    class_name = UNION if "task_embedding" in names else "ControlNetModel"
    return ControlNetFacts(
        class_name=class_name,
        family="sdxl" if is_xl else "sd",
        width=next(widths, 0),
        modes=_modes(class_name),
    )


def _modes(class_name: str, *, is_told: bool = False) -> tuple[str, ...]:
    if class_name == UNION:
        return tuple(UNION_MODES)
    return tuple(FLUX_MODES) if is_told else ()
