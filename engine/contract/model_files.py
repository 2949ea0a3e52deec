"""What a model's parts are of, by its files: their headers alone are read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from .catalogue import KnownModel, located
from .errors import ModelError
from .families import Family
from .files import is_dir
from .footprints import Footprint, Part
from .foreign_models import family_of_shapes
from .model_folders import family_of_folder, weight_files
from .networks import Network, network_of, rest_of
from .weights import QUANTIZED, SCALES, StoredTensor, read_tensors

_SMALL = ("F8_E4M3", "F8_E5M2")
_IN_SINGLE_FILES = {"model.diffusion_model.": "network", "first_stage_model.": "autoencoder"}


def footprint_of(model: str | None, folder: Path | None = None) -> Footprint | None:
    """Return what a job's model is of, None where that cannot be found out.

    `folder` is where a relative path starts.
    """
    match located(model, folder):
        case KnownModel() as known:
            return known.footprint
        case Path() as path:
            return _of_folder(path) if is_dir(path) else _of_file(path)
    return None


def _of_folder(folder: Path) -> Footprint | None:
    family = family_of_folder(folder)
    if family is None:
        return None
    try:
        parts = {
            part: _part(t for file in weight_files(folder / part) for t in _tensors(file))
            for part in family.weighted_parts
        }
    except (ModelError, OSError):
        return None
    return _footprint(parts, family)


def _of_file(path: Path) -> Footprint | None:
    try:
        tensors = read_tensors(path)
    except ModelError:
        return None
    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    if family_of_shapes(shapes) is None:
        return _of_network(path, tensors, network_of(shapes))
    groups: dict[str, list[StoredTensor]] = {"network": [], "encoder": [], "autoencoder": []}
    for name, tensor in tensors.items():
        found = (part for sign, part in _IN_SINGLE_FILES.items() if name.startswith(sign))
        groups[next(found, "encoder")].append(tensor)
    parts = {name: _part(group) for name, group in groups.items()}
    return Footprint(
        network=parts["network"], encoders=(parts["encoder"],), autoencoder=parts["autoencoder"]
    )


def _of_network(
    path: Path, tensors: Mapping[str, StoredTensor], network: Network | None
) -> Footprint | None:
    """Return what a network in a file of its own is of, with the rest that is found for it."""
    rest = rest_of(path, network) if network else None
    if rest is None:
        return None
    part = _part(tensors.values())
    is_scaled = any(name.endswith(SCALES) for name in tensors)
    if part.stored == QUANTIZED or (part.stored in _SMALL and not is_scaled):
        part = replace(part, held_bytes=path.stat().st_size)
    try:
        others = {
            name: _part(t for file in weight_files(rest.folder / name) for t in _tensors(file))
            for name in rest.family.weighted_parts
            if name != rest.family.network
        }
    except (ModelError, OSError):
        return None
    return _footprint({**others, rest.family.network: part}, rest.family)


def _footprint(parts: dict[str, Part], family: Family) -> Footprint:
    encoders = tuple(part for name, part in parts.items() if name.startswith("text_encoder"))
    return Footprint(network=parts[family.network], encoders=encoders, autoencoder=parts["vae"])


def _tensors(file: Path) -> Iterable[StoredTensor]:
    return read_tensors(file).values()


def _part(tensors: Iterable[StoredTensor]) -> Part:
    """Return what tensors are together; of several kinds the commonest."""
    kinds, largest = Counter[str](), 0
    for tensor in tensors:
        kinds[tensor.kind] += tensor.numbers
        largest = max(largest, tensor.numbers)
    stored = kinds.most_common(1)[0][0] if kinds else "F32"
    return Part(kinds.total(), largest, stored)
