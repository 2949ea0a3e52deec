"""IP-Adapters: which are known, and which encoder of pictures sees for each.

An IP-Adapter goes with a model whose network is as wide, and with the encoder of pictures that it
was trained with, which is a file of its own. FLUX.2 sees reference pictures by itself.

Source: Ye et al., arXiv 2308.06721.
"""

from __future__ import annotations

from dataclasses import dataclass

from .families import THROUGH_ADAPTERS
from .models import ModelFacts
from .weights import WEIGHTS

ENCODER_CONFIG = "config.json"
ADAPTERS_ID = "h94/IP-Adapter"
"""The hub's repository of IP-Adapters, and of their encoders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureEncoder:
    """What looks at reference pictures, a CLIP of its own."""

    title: str
    path: str
    """Its folder in the hub's repository of IP-Adapters."""
    projection: int
    """How many numbers a whole picture is to it."""
    hidden: int
    """How many numbers a part of a picture is to it."""
    numbers: int
    download_bytes: int

    @property
    def files(self) -> tuple[str, ...]:
        """Its files on the hub, what it is built as last."""
        return f"{self.path}/model{WEIGHTS}", f"{self.path}/{ENCODER_CONFIG}"


VIT_H = PictureEncoder(
    title="CLIP ViT-H",
    path="models/image_encoder",
    projection=1024,
    hidden=1280,
    numbers=632_076_800,
    download_bytes=2_528_373_448,
)
VIT_BIG_G = PictureEncoder(
    title="CLIP ViT-bigG",
    path="sdxl_models/image_encoder",
    projection=1280,
    hidden=1664,
    numbers=1_844_908_032,
    download_bytes=3_689_912_664,
)
ENCODERS = (VIT_H, VIT_BIG_G)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownAdapter:
    """An IP-Adapter of the hub, and what it is for."""

    id: str
    """Its file on the hub: owner/name/folder/file."""
    title: str
    licence: str
    family: str
    width: int
    """How wide its models' networks are (`network_width`)."""
    encoder: PictureEncoder
    own_bytes: int
    """Its file's; in half precision."""

    @property
    def download_bytes(self) -> int:
        """About what is fetched, with the encoder that it shares with others."""
        return self.own_bytes + self.encoder.download_bytes

    @property
    def size_text(self) -> str:
        """About how much is fetched, as a person says it."""
        return f"about {self.download_bytes / 1e9:.1f} GB"

    @property
    def how(self) -> str:
        """How a picture is followed through it."""
        return self.title.partition(", for ")[0]

    def goes_with(self, facts: ModelFacts) -> bool:
        """Return whether a model can follow pictures through it."""
        return self.family == facts.family.name and are_alike(self.width, facts.width)


def _known(
    file: str, title: str, family: str, width: int, encoder: PictureEncoder, megabytes: float
) -> KnownAdapter:
    return KnownAdapter(
        id=f"{ADAPTERS_ID}/{file}{WEIGHTS}", title=title, licence="Apache-2.0", family=family,
        width=width, encoder=encoder, own_bytes=round(megabytes * 1e6),
    )  # fmt: skip


# The first that goes with a model is the one that is taken where nobody names one.
ADAPTERS = (
    _known("models/ip-adapter-plus_sd15", "Closely, for Stable Diffusion 1.5",
           "sd", 768, VIT_H, 98.2),
    _known("models/ip-adapter_sd15", "Loosely, for Stable Diffusion 1.5",
           "sd", 768, VIT_H, 44.6),
    _known("models/ip-adapter-plus-face_sd15", "Faces, for Stable Diffusion 1.5",
           "sd", 768, VIT_H, 98.2),
    _known("models/ip-adapter-full-face_sd15", "Faces in full, for Stable Diffusion 1.5",
           "sd", 768, VIT_H, 43.6),
    _known("sdxl_models/ip-adapter-plus_sdxl_vit-h", "Closely, for SDXL",
           "sdxl", 2048, VIT_H, 847.5),
    _known("sdxl_models/ip-adapter_sdxl_vit-h", "Loosely, for SDXL",
           "sdxl", 2048, VIT_H, 698.4),
    _known("sdxl_models/ip-adapter-plus-face_sdxl_vit-h", "Faces, for SDXL",
           "sdxl", 2048, VIT_H, 847.5),
    _known("sdxl_models/ip-adapter_sdxl", "Loosely by a larger encoder, for SDXL",
           "sdxl", 2048, VIT_BIG_G, 702.6),
)  # fmt: skip


def known_adapter(id_: str | None) -> KnownAdapter | None:
    """Return the IP-Adapter of that name, where it is one of the known."""
    return next((one for one in ADAPTERS if one.id == id_), None)


def adapters_for(facts: ModelFacts) -> tuple[KnownAdapter, ...]:
    """Return the known IP-Adapters that go with a model; the first is its default."""
    return tuple(one for one in ADAPTERS if one.goes_with(facts))


def adapter_name_for(model: str | None, facts: ModelFacts) -> str | None:
    """Return the IP-Adapter that a reference means; None where it names none and none is known."""
    if model is not None:
        return model.strip()
    if not facts.is_known or facts.family.follows != THROUGH_ADAPTERS:
        return None
    return next((one.id for one in adapters_for(facts)), None)


def are_alike(width: int, other: int) -> bool:
    """Return whether two networks are as wide, as far as is known: 0 is unknown."""
    return 0 in (width, other) or width == other
