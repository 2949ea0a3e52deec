"""What a loaded model of any family is to the sampler."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from engine.contract.families import FAMILIES, Family
from engine.contract.job import Job
from engine.families.schedules import Schedule
from engine.runtime.batching import Batch, Conditioning, Denoiser, Guidance, Text
from engine.runtime.codec import Codec
from engine.runtime.controls import Hint, pixels_seen
from engine.runtime.devices import Device
from engine.runtime.loras import Loras
from engine.runtime.references import Reference
from engine.runtime.windows import Window


class Model(ABC):
    """A loaded model: texts, one call of its network, its schedule and its codec.

    A family is a subclass in a module of its own, named `LoadedModel`, and an entry in
    `engine.contract.families`.
    """

    NAME: ClassVar[str]
    """The family's name."""
    PIPELINE: ClassVar[str]
    """diffusers' class that loads it."""
    UNUSED: ClassVar[Mapping[str, Any]] = {}
    """Settings that keep the pipeline from loading what nobody needs."""

    guidance: Guidance
    codec: Codec

    def __init__(self, pipeline: Any, device: Device) -> None:
        """Take over a pipeline whose parts are on their devices."""
        self._pipeline = pipeline
        self._network = getattr(pipeline, self.family.network)
        self.device = device
        self.loras = Loras(pipeline, self.family.network)
        self.denoiser = Denoiser(self)

    @classmethod
    def single_file_config(cls, names: Collection[str]) -> str:
        """Return which of the configurations suits a single file with tensors of these names."""
        raise NotImplementedError(f"{cls.NAME} has no single files")

    @classmethod
    def adjust_single_file(cls, pipeline: Any, names: Collection[str]) -> None:
        """Set what the names of a single file's tensors say, and its conversion does not read."""
        return None

    @property
    def network(self) -> Any:
        """The part that removes the noise, as diffusers has it."""
        return self._network

    @property
    def family(self) -> Family:
        """What is known of all models of the kind."""
        return FAMILIES[self.NAME]

    @property
    def stride_px(self) -> int:
        """Pixels per latent cell, in both directions."""
        return self.family.stride_px

    @property
    def channels(self) -> int:
        """Channels of a latent cell."""
        return self.family.channels

    @property
    def network_device(self) -> torch.device:
        """Where the network runs."""
        return self.device.torch_device

    @abstractmethod
    def encode(self, text: Text) -> Conditioning:
        """Return what a text becomes, (1, …) each."""

    @abstractmethod
    def cut_off(self, text: Text) -> str:
        """Return the end of a text that is too long for its encoder, as words."""

    def aligned(
        self, texts: Sequence[Text], encoded: Callable[[Text], Conditioning]
    ) -> Sequence[Conditioning]:
        """Return what the texts of one prediction became, as the network wants them side by side.

        `encoded` gives what any text became, encoded once.
        """
        return [encoded(text) for text in texts]

    def condition(self, encoded: Conditioning, window: Window, scale: float) -> Conditioning:
        """Return what a pass sees of a text in a window, with a guidance scale."""
        return encoded

    def complete(self, net: Any) -> Any:
        """Return a ControlNet with what it shares with the network."""
        return net

    def hint(self, picture: Reference, net: Any, *, on: torch.device) -> Hint:
        """Return what a ControlNet sees of a picture, (1, C, k·h, k·w) for h × w cells.

        `on` is where pictures are encoded. UNets' see pixels, from 0 to 1.
        """
        return pixels_seen(picture, least=0)

    def held(self, batch: Batch, latents: Tensor, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the controls of a batch add to a call of the network, by its parameters.

        `latents` and `inputs` are what the network sees of the batch.
        """
        if batch.controls:
            raise NotImplementedError(f"{self.NAME} has no controls")
        return {}

    def look_at(self, picture: Tensor, adapter: Any, *, on: torch.device) -> tuple[Tensor, Tensor]:
        """Return what passes see of a reference picture, and what negative ones see instead.

        `adapter` is the loaded IP-Adapter, None where the network is shown pictures itself; `on`
        is where those are encoded.

        Shapes: picture (1, 3, H, W), bytes; what is returned (1, …), alike.
        """
        raise NotImplementedError(f"{self.NAME} follows no reference pictures")

    @abstractmethod
    def call(self, batch: Batch) -> Tensor:
        """Return the network's prediction, (P, C, h, w), float32."""

    @abstractmethod
    def make_schedule(self, job: Job) -> Schedule:
        """Return a job's way from noise to picture."""
