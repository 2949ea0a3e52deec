"""What a job names, read: its pictures and files as the sampler takes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from engine.contract.lora_files import LoraFiles
from engine.sampling.controls import NO_CONTROLS, ControlInputs
from engine.sampling.following import NO_REFERENCES, ReferenceInputs
from engine.sampling.masks import MaskImages
from engine.sampling.noise_map import Colours
from engine.storage.kept import EarlierPicture


@dataclass(frozen=True, slots=True, kw_only=True)
class JobInputs:
    """Pictures and files by the names that a job gives them."""

    pictures: Mapping[str, Tensor] = field(default_factory=dict)
    """Those of image regions: (1, 3, H, W), bytes or preprocessed to [-1, 1]."""

    masks: MaskImages = field(default_factory=dict)
    """Those of regions' masks and strength maps."""

    loras: LoraFiles = field(default_factory=dict)
    controls: ControlInputs = NO_CONTROLS
    references: ReferenceInputs = NO_REFERENCES
    colours: Colours | None = None
    """Those of the noise map."""

    kept: EarlierPicture | None = None
    first: Tensor | None = None
    """The picture that a second pass starts from: (1, 3, H, W), bytes."""


NO_INPUTS = JobInputs()
