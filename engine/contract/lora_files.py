"""Files of LoRAs: where one lies, what is wrong with it, and what tells it from any other."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

from .catalogue import cache_folder, folder_in_cache, is_hub_id
from .errors import ModelError
from .families import Family
from .files import is_dir, is_there, path_in
from .foreign_models import family_of_shapes, foreign_file
from .lora import Lora
from .lora_families import families_of_lora, titles_of
from .weights import WEIGHTS, Shapes, read_metadata, read_shapes, require_weights_name

_OF_LORAS = re.compile(r"lora\d?[._](?:down|up|A|B|linear_layer)\b")
_LOKR = re.compile(r"\.lokr_w")
_LOKR_FAMILIES = ("z_image", "flux2", "flux2_klein")
_OTHER_KINDS = (
    (re.compile(r"\.hada_w"), "a LoHa"),
    (re.compile(r"\boft_|\bboft_"), "an OFT"),
    (re.compile(r"\.dora_scale$"), "a DoRA as kohya's programs write it"),
)
_CHOOSE = f"choose a LoRA ({WEIGHTS})"
_HUB_FILE = re.compile(rf"([\w.-]+/[\w.-]+)/((?:[^/:]+/)*[^/:]+\{WEIGHTS})")
_SHOWN_DIGITS = 12


def require_lora(lora: Lora, folder: Path, family: Family | None) -> Path:
    """Return the file of a LoRA, which is on this computer and for a model of the family,
    or of any where none is given.

    `folder` is where a relative path starts.

    Raises: ModelError that names the file, what is wrong with it and what to do.
    """
    path = lora_path(lora, folder)
    require_weights_name(path, WEIGHTS)
    stat = path.stat()
    _require_kind(path, family.name if family else "", stat.st_size, stat.st_mtime_ns)
    if lora.sha256 and lora.sha256 != digest_of(path):
        raise ModelError(
            f"{path.name} is not the file that the picture was made with, whose sha256 begins "
            f"with {lora.sha256[:_SHOWN_DIGITS]}",
            "put that one back, or leave sha256 out to use this one",
        )
    return path


def lora_path(lora: Lora, folder: Path) -> Path:
    """Return where a LoRA lies: by its path, in the hub's cache, or moved beside the job.

    Raises: ModelError where it is not on this computer.
    """
    name = lora.lora.strip()
    path = path_in(folder, name)
    if is_dir(path):
        return _only_file(path, name)
    if is_there(path):
        return path
    beside = path_in(folder, re.split(r"[/\\]", name)[-1])
    if lora.sha256 and is_there(beside) and digest_of(beside) == lora.sha256:
        return beside
    if "://" in name:
        raise ModelError(
            f"{name!r} is an address, and nothing is fetched from one",
            "download the file yourself and give its path, or give its name on the hub",
        )
    if hub := hub_lora(name):
        return _cached(*hub, folder)
    known = f" (sha256 {lora.sha256[:_SHOWN_DIGITS]}…)" if lora.sha256 else ""
    raise ModelError(
        f"there is no file {name!r}{known} in {folder}",
        "put it there, or give the path where it is now",
    )


def hub_lora(name: str) -> tuple[str, str] | None:
    """Return the hub id and the file, if one is named, of a LoRA on the hub; None for a path."""
    if is_hub_id(name) and re.fullmatch(r"[\w.-]+/[\w.-]+", name):
        return name, ""
    found = _HUB_FILE.fullmatch(name)
    return (found[1], found[2]) if found and not name.startswith(".") else None


def _cached(id_: str, file: str, folder: Path) -> Path:
    """Return a file of the hub's cache.

    Raises: ModelError where it is not there, or where it is one of several.
    """
    snapshots = (folder_in_cache(id_, cache_folder(os.environ)) / "snapshots").glob("*")
    for snapshot in sorted(snapshots, key=lambda one: one.stat().st_mtime, reverse=True):
        if file and is_there(snapshot / file):
            return snapshot / file
        if not file and any(snapshot.glob(f"*{WEIGHTS}")):
            return _only_file(snapshot, id_)
    name = f"{id_}/{file}" if file else id_
    fetch = f"the button beside the LoRA, or `python -m engine download {name}`"
    if file:
        message = f"there is no file {name!r} in {folder}, nor one of the hub's on this computer"
        raise ModelError(message, f"mend the path, or download it: {fetch}")
    raise ModelError(f"{name} is not on this computer", f"download it first: {fetch}")


def _only_file(folder: Path, name: str) -> Path:
    files = sorted(folder.glob(f"*{WEIGHTS}"))
    if not files:
        raise ModelError(f"the folder {name} holds no {WEIGHTS} file", _CHOOSE)
    if len(files) > 1:
        names = ", ".join(file.name for file in files[:3])
        more = f" and {len(files) - 3} more" if len(files) > 3 else ""
        raise ModelError(f"{name} holds several files: {names}{more}", f"name one: {name}/FILE")
    return files[0]


@lru_cache(maxsize=64)
def _require_kind(path: Path, family: str, size: int, changed_ns: int) -> None:
    """See that a file is a LoRA for a family's models, by its header.

    Raises: ModelError.
    """
    shapes = read_shapes(path)
    _require_addition(path, shapes, family)
    made_for = families_of_lora(shapes, read_metadata(path))
    if family and made_for and family not in made_for:
        titles, own = titles_of(made_for), titles_of(frozenset({family}))
        raise ModelError(
            f"{path.name} is a LoRA for {titles}, and the model is {own}",
            f"choose a LoRA for {own}, or a model of the kind {titles}",
        )


def is_lora(names: Iterable[str]) -> bool:
    """Return whether tensors of these names are a LoRA's, of whatever kind."""
    return any(_OF_LORAS.search(name) or _LOKR.search(name) for name in names)


def _require_addition(path: Path, shapes: Shapes, family: str) -> None:
    names = list(shapes)
    for sign, kind in _OTHER_KINDS:
        if any(sign.search(name) for name in names):
            raise ModelError(f"{path.name} is {kind}, which cannot be used here", _CHOOSE)
    if any(_LOKR.search(name) for name in names):
        if family and family not in _LOKR_FAMILIES:
            raise ModelError(f"{path.name} is a LoKr, which this model cannot take", _CHOOSE)
        return
    if any(_OF_LORAS.search(name) for name in names):
        return
    whole = family_of_shapes(shapes)
    foreign = foreign_file(shapes, whole)
    what = foreign.title if foreign else f"a whole model ({whole.title if whole else 'unknown'})"
    raise ModelError(f"{path.name} is {what}, and no LoRA", _CHOOSE)


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, computed once while it stays as it is.

    Raises: ModelError where it cannot be read.
    """
    try:
        stat = path.stat()
        return _digest(path, stat.st_size, stat.st_mtime_ns)
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror or error}"
        raise ModelError(message, "allow reading it, or give another") from error


@lru_cache(maxsize=256)
def _digest(path: Path, size: int, changed_ns: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


LoraFiles = Mapping[str, Path]
"""The files of a job's LoRAs, by their names in the job."""
