"""A denoising network in a file of its own, and the model that the rest of it comes from."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .catalogue import CATALOGUE, cache_folder
from .errors import ModelError
from .families import FAMILIES, Family
from .files import is_there
from .foreign_models import FLUX_NETWORK, NETWORKS, foreign_file, foreign_flux
from .model_folders import INDEX, family_of_folder, read_object, require_config, require_parts
from .weights import WEIGHTS, Shapes, is_gguf, read_shapes

PREFIXES = ("model.diffusion_model.", "diffusion_model.")
"""How names of tensors begin in files that hold more than a network."""

# The tensor that takes the texts' embeddings in: its rows are the network's width, its columns
# the encoder's. Of UNets, whose widths differ from layer to layer, two tensors.
_TEXTS = re.compile(
    r"^(?:txt_in|context_embedder|cap_embedder\.1|txtmlp\.1|txt_in\.linear_1)\.weight$"
)
_UNET_TEXTS = re.compile(r"\.attn2\.to_k\.weight$")
_UNET_WIDTH = re.compile(r"^(?:input_blocks\.0\.0|conv_in)\.weight$")
_BLOCKS = {
    "num_layers": re.compile(r"^(?:double_blocks|transformer_blocks|joint_blocks|blocks)\.(\d+)\."),
    "num_single_layers": re.compile(r"^single_(?:transformer_)?blocks\.(\d+)\."),
}
_GUIDANCE = re.compile(r"guidance_(?:in|embedder)\.")
_WORDS = re.compile(r"[a-z]+|\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """What a file's tensors say of a network."""

    families: tuple[Family, ...]
    """Those that have such a network."""
    widths: tuple[int, int] | None
    """Its own and that of the texts that it takes; None where the file does not say."""
    changes: Mapping[str, Any]
    """What it has of its own, by the keys of its configuration."""

    @property
    def part(self) -> str:
        """What the network is called among a model's parts."""
        return self.families[0].network


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """The model that a network's encoders, autoencoder and schedule come from."""

    folder: Path
    family: Family
    id: str = ""
    """Its hub id; empty for a folder beside the file."""


def network_of(shapes: Shapes) -> Network | None:
    """Return what a file's network is, None where it holds none of a family that runs."""
    foreign = foreign_file(shapes, None)
    names = NETWORKS.get(foreign) if foreign else None
    if not names:
        return None
    own = without_prefix(shapes)
    if foreign is FLUX_NETWORK and foreign_flux(own):
        return None
    families = tuple(FAMILIES[name] for name in names)
    changes: dict[str, Any] = {}
    for key, sign in _BLOCKS.items():
        # Counted, so that there are never more than tensors.
        if found := {match[1] for name in own if (match := sign.match(name))}:
            changes[key] = len(found)
    changes["guidance_embeds"] = any(_GUIDANCE.search(name) for name in own)
    return Network(families=families, widths=_widths(own, families[0]), changes=changes)


def without_prefix(tensors: Mapping[str, Any]) -> dict[str, Any]:
    """Return a network's tensors by the names that they have in a file of its own."""
    for prefix in PREFIXES:
        if any(name.startswith(prefix) for name in tensors):
            return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
    return dict(tensors)


def require_rest(path: Path, network: Network) -> Rest:
    """Return the model that the rest of a network's comes from, whole but for its network.

    A folder of the file's name beside it goes first, then what of its family and size is in the
    hub's cache: of several the one that is called most like the file.

    Raises: ModelError where there is none, with what to do.
    """
    if found := _found(path, network):
        return found
    message = (
        f"{_called(path, network)}, and no model that its text encoders and autoencoder could come "
        "from is on this computer"
    )
    command = f'`python -m engine download "{path}"`'
    remedy = (
        f"download what it lacks, of {_like(path, network)}: the button beside the model, or "
        f"{command}; or lay a folder called {path.stem} beside it"
    )
    raise ModelError(message, remedy)


def rest_to_fetch(path: Path) -> str:
    """Return the hub id of a model that has what a network in a file lacks; empty where none does.

    Raises: ModelError where the file cannot be read, or runs with no rest.
    """
    network = network_of(read_shapes(path))
    return "" if network is None or _found(path, network) else _like(path, network)


def _found(path: Path, network: Network) -> Rest | None:
    if network.part == "unet" and is_gguf(path):
        message = f"{_called(path, network)}, as GGUF, which is read of other families"
        raise ModelError(message, f"get it as {WEIGHTS}")
    beside = path.with_suffix("")
    if is_there(beside / INDEX):
        family = require_config(beside)
        require_parts(beside, _other_parts(family))
        if not _suits(beside, family, network):
            message = f"{path} is no network for the model in the folder {beside.name} beside it"
            raise ModelError(message, "lay the model there that it belongs to, or none")
        return Rest(folder=beside, family=family)
    cached = _cached(cache_folder(os.environ), network)
    return max(cached, key=lambda rest: _likeness(path, rest.id), default=None)


def _called(path: Path, network: Network) -> str:
    titles = " or ".join(family.title for family in network.families)
    return f"{path} is the denoising network of a {titles} model alone"


def rest_of(path: Path, network: Network) -> Rest | None:
    """Return what `require_rest` does, None where there is none."""
    try:
        return require_rest(path, network)
    except ModelError:
        return None


def _widths(own: Mapping[str, tuple[int, ...]], family: Family) -> tuple[int, int] | None:
    def shape(sign: re.Pattern[str]) -> tuple[int, ...]:
        return next((shape for name, shape in own.items() if sign.search(name)), ())

    if family.network == "unet":
        width, texts = shape(_UNET_WIDTH), shape(_UNET_TEXTS)
        return (width[0], texts[1]) if len(width) > 1 and len(texts) > 1 else None
    texts = shape(_TEXTS)
    return (texts[0], texts[1]) if len(texts) > 1 else None


def _suits(folder: Path, family: Family, network: Network) -> bool:
    """Return whether a network could be that of a model."""
    if family not in network.families:
        return False
    config = read_object(folder / family.network / "config.json")
    return network.widths is None or network.widths == _config_widths(config)


def _config_widths(config: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return the widths that a network's configuration says, its own and that of its texts."""
    blocks = config.get("block_out_channels")
    if isinstance(blocks, list) and blocks:
        return blocks[0], config.get("cross_attention_dim")
    heads, size = config.get("num_attention_heads"), config.get("attention_head_dim")
    own = heads * size if isinstance(heads, int) and isinstance(size, int) else None
    texts = ("joint_attention_dim", "cap_feat_dim", "text_hidden_dim")
    text = next((config[key] for key in texts if key in config), None)
    return config.get("dim", own), text


def _other_parts(family: Family) -> tuple[str, ...]:
    return tuple(part for part in family.weighted_parts if part != family.network)


def _cached(cache: Path, network: Network) -> Iterator[Rest]:
    """Yield the models of the hub's cache that suit, whole but for, perhaps, their network."""
    for folder in sorted(cache.glob("models--*--*")):
        id_ = folder.name.removeprefix("models--").replace("--", "/", 1)
        for snapshot in folder.glob("snapshots/*"):
            family = family_of_folder(snapshot)
            if family is None or not _suits(snapshot, family, network):
                continue  # before its files are looked into, which takes longer
            try:
                require_config(snapshot)
                require_parts(snapshot, _other_parts(family))
            except ModelError:
                continue
            yield Rest(folder=snapshot, family=family, id=id_)


def _likeness(path: Path, id_: str) -> tuple[int, int, str]:
    """Return how much of a model's name is in a file's, and how much is not."""
    own, other = (set(_WORDS.findall(name.lower())) for name in (path.stem, id_.partition("/")[2]))
    return len(own & other), -len(other - own), id_


def _like(path: Path, network: Network) -> str:
    names = [family.name for family in network.families]
    known = [model.id for model in CATALOGUE if model.family in names and "/" in model.id]
    return max(known, key=lambda id_: _likeness(path, id_))
