"""What the parts of models are of: how many numbers, which a memory has to hold.

Counted from the models' configurations by `python -m benchmarks.footprints`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

STORED_BYTES = {"F64": 8, "F32": 4, "BF16": 2, "F16": 2, "F8_E4M3": 1, "F8_E5M2": 1}
"""Bytes of a number by its kind in a safetensors file."""
KINDS = {"float32": "F32", "bfloat16": "BF16", "float16": "F16"}
"""What a file calls the precisions that networks work in."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a model: how many numbers it has, and its largest layer; how its file has them."""

    numbers: int
    largest: int
    stored: str = "BF16"
    held_bytes: int = 0
    """What it takes in whatever precision it works: of quantised files; 0 of all others."""

    @property
    def stored_bytes(self) -> int:
        """The bytes of its file."""
        return self.numbers * STORED_BYTES.get(self.stored, 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """A model's parts, as a memory sees them."""

    network: Part
    encoders: tuple[Part, ...]
    autoencoder: Part

    @property
    def stored_bytes(self) -> int:
        """The bytes of its files: what is downloaded."""
        return sum(p.stored_bytes for p in (self.network, *self.encoders, self.autoencoder))


_CLIP_L, _CLIP_H = Part(123_060_480, 37_945_344), Part(340_387_840, 50_593_792)
_CLIP_G, _T5_XXL = Part(694_659_840, 63_242_240), Part(4_762_310_656, 131_596_288)
_QWEN3_4B, _QWEN3_8B = Part(4_022_468_096, 388_956_160), Part(8_190_735_360, 622_329_856)
_QWEN3_VL_4B, _QWEN2_VL_7B = Part(4_437_815_808, 388_956_160), Part(8_292_166_656, 544_997_376)
_MISTRAL_24B = Part(24_011_361_280, 671_088_640)
_KL, _KL_FLUX2, _VIDEO = (
    Part(83_819_683, 2_359_296),
    Part(84_046_115, 2_359_296),
    Part(126_892_531, 3_981_312),
)


def _all_as(stored: str, network: Part, *encoders: Part) -> Footprint:
    first, *others, last = (replace(p, stored=stored) for p in (network, *encoders, _KL))
    return Footprint(network=first, encoders=tuple(others), autoencoder=last)


SD1 = _all_as("F32", Part(859_520_964, 29_491_200), _CLIP_L)
SD2 = _all_as("F32", Part(865_910_724, 29_491_200), _CLIP_H)
SDXL = _all_as("F16", Part(2_567_463_684, 29_491_200), _CLIP_L, _CLIP_G)
Z_IMAGE = Footprint(network=Part(6_154_908_736, 39_321_600), encoders=(_QWEN3_4B,), autoencoder=_KL)
Z_IMAGE_TURBO = replace(Z_IMAGE, network=replace(Z_IMAGE.network, stored="F32"))
KLEIN_4B = Footprint(
    network=Part(3_875_544_576, 84_934_656), encoders=(_QWEN3_4B,), autoencoder=_KL_FLUX2
)
KLEIN_9B = Footprint(
    network=Part(9_078_581_248, 150_994_944), encoders=(_QWEN3_8B,), autoencoder=_KL_FLUX2
)
FLUX2_DEV = Footprint(
    network=Part(32_223_281_152, 339_738_624), encoders=(_MISTRAL_24B,), autoencoder=_KL_FLUX2
)
FLUX1 = Footprint(
    network=Part(11_901_408_320, 56_623_104), encoders=(_CLIP_L, _T5_XXL), autoencoder=_KL
)
QWEN_IMAGE = Footprint(
    network=Part(20_430_401_088, 56_623_104), encoders=(_QWEN2_VL_7B,), autoencoder=_VIDEO
)
SD3_MEDIUM = Footprint(
    network=Part(2_469_663_936, 226_492_416),
    encoders=(_CLIP_L, _CLIP_G, _T5_XXL),
    autoencoder=_KL,
)
SD3_LARGE = replace(SD3_MEDIUM, network=Part(8_146_280_768, 89_653_248))
KREA2 = Footprint(
    network=Part(12_820_073_036, 226_492_416), encoders=(_QWEN3_VL_4B,), autoencoder=_VIDEO
)
