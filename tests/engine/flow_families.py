"""Each family that predicts velocities: its small model, its pipeline's answer, its plain looks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import diffusers
import torch
from diffusers.pipelines.flux2.pipeline_flux2 import compute_empirical_mu
from torch import Tensor

from tests.engine import tiny_flow_models as tiny

CPU = torch.device("cpu")


class FlowCase(ABC):
    """A family as the tests ask it."""

    name: ClassVar[str]
    stride_px = 8
    channels = 16
    guidance = 4.0
    """In the engine's convention."""
    takes_negative = True
    pipelines_negative = "fog"
    """A negative prompt that diffusers' pipeline takes too."""
    label = ""

    @abstractmethod
    def build(self) -> Any:
        """Return a small model."""

    @abstractmethod
    def theirs(self, pipeline: Any, guidance: float, negative: str, **settings: Any) -> Tensor:
        """Return what diffusers' own pipeline makes, as the engine's canvas holds it."""

    def levels(self, pipeline: Any, steps: int, tokens: int) -> list[float]:
        """Return the levels of noise: evenly spaced, then shifted by a constant."""
        return [shifted(1 - i / steps, pipeline.scheduler.config.shift) for i in range(steps)] + [0]

    def encoded(self, pipeline: Any, picture: Tensor, generator: torch.Generator) -> Tensor:
        """Return a picture's latents."""
        vae = pipeline.vae
        latents = vae.encode(picture).latent_dist.sample(generator)
        scaled: Tensor = (latents - vae.config.shift_factor) * vae.config.scaling_factor
        return scaled

    @abstractmethod
    def velocity(self, pipeline: Any, crop: Tensor, level: float, text: str) -> Tensor:
        """Return what the network says to one text."""

    def guided(
        self, pipeline: Any, crop: Tensor, level: float, texts: tuple[str, str], scale: float
    ) -> Tensor:
        """Return the velocity by classifier-free guidance."""
        given, without = (self.velocity(pipeline, crop, level, text) for text in texts)
        return without + scale * (given - without)


def shifted(level: float, shift: float) -> float:
    """Return a level of noise after its shift."""
    return shift * level / (1 + (shift - 1) * level)


class ZImage(FlowCase):
    """Guidance counts from 0 there, and the network tells the reverse of a velocity."""

    name = "z_image"

    def build(self) -> Any:
        """Return a small model."""
        return tiny.z_image()

    def theirs(self, pipeline: Any, guidance: float, negative: str, **settings: Any) -> Tensor:
        """Return what diffusers' own pipeline makes."""
        latents: Tensor = pipeline(
            negative_prompt=negative, guidance_scale=guidance - 1, output_type="latent", **settings
        ).images
        return latents

    def velocity(self, pipeline: Any, crop: Tensor, level: float, text: str) -> Tensor:
        """Return the velocity."""
        (embedded,), _ = pipeline.encode_prompt(text, CPU, do_classifier_free_guidance=False)
        elapsed = (1000 - 1000 * torch.tensor([level])) / 1000
        (found,) = pipeline.transformer([crop[0][:, None]], elapsed, [embedded], return_dict=False)[
            0
        ]
        return -found[:, 0][None]


class StableDiffusion3(FlowCase):
    """Its levels are spaced by the scheduler."""

    name = "sd3"

    def build(self) -> Any:
        """Return a small model."""
        return tiny.sd3()

    def theirs(self, pipeline: Any, guidance: float, negative: str, **settings: Any) -> Tensor:
        """Return what diffusers' own pipeline makes."""
        latents: Tensor = pipeline(
            negative_prompt=negative, guidance_scale=guidance, output_type="latent", **settings
        ).images
        return latents

    def levels(self, pipeline: Any, steps: int, tokens: int) -> list[float]:
        """Return the scheduler's own levels."""
        return levels_of(pipeline, steps, sigmas=None)

    def velocity(self, pipeline: Any, crop: Tensor, level: float, text: str) -> Tensor:
        """Return the velocity."""
        embedded, _, pooled, _ = pipeline.encode_prompt(
            text, text, text, do_classifier_free_guidance=False
        )
        found: Tensor = pipeline.transformer(
            crop, embedded, pooled, torch.tensor([1000 * level]), return_dict=False
        )[0]
        return found


class Flux(FlowCase):
    """The guidance goes into the network, or has no effect."""

    name = "flux"
    guidance = 3.5
    takes_negative = False

    def __init__(self, *, dev: bool) -> None:
        self.dev = dev
        self.label = "flux dev" if dev else "flux schnell"

    def build(self) -> Any:
        """Return a small model."""
        return tiny.flux(dev=self.dev)

    def theirs(self, pipeline: Any, guidance: float, negative: str, **settings: Any) -> Tensor:
        """Return what diffusers' own pipeline makes."""
        settings["max_sequence_length"] = 512 if self.dev else 256
        latents = pipeline(guidance_scale=guidance, output_type="latent", **settings).images
        return unpacked(latents, settings["height"], settings["width"])

    def levels(self, pipeline: Any, steps: int, tokens: int) -> list[float]:
        """Return the levels, shifted by the tokens."""
        mu = 0.5 + (1.15 - 0.5) * (tokens - 256) / (4096 - 256)
        return levels_of(pipeline, steps, mu=mu) if self.dev else levels_of(pipeline, steps)

    def guided(
        self, pipeline: Any, crop: Tensor, level: float, texts: tuple[str, str], scale: float
    ) -> Tensor:
        """Return the velocity with the guidance as an input."""
        embedded, pooled, text_ids = pipeline.encode_prompt(
            texts[0], max_sequence_length=512 if self.dev else 256
        )
        height, width = crop.shape[2] // 2, crop.shape[3] // 2
        (found,) = pipeline.transformer(
            packed(crop),
            embedded,
            pooled,
            torch.tensor([level]),
            places(height, width),
            text_ids,
            guidance=torch.tensor([scale]) if self.dev else None,
            return_dict=False,
        )
        return unpacked(found, 16 * height, 16 * width)

    def velocity(self, pipeline: Any, crop: Tensor, level: float, text: str) -> Tensor:
        """Return the velocity."""
        return self.guided(pipeline, crop, level, (text, ""), 1.0)


class Flux2(FlowCase):
    """Cells of 16 pixels, normalised by the autoencoder's statistics."""

    name = "flux2"
    stride_px = 16
    channels = 128
    takes_negative = False

    def build(self) -> Any:
        """Return a small model."""
        return tiny.flux2()

    def theirs(self, pipeline: Any, guidance: float, negative: str, **settings: Any) -> Tensor:
        """Return what diffusers' own pipeline makes."""
        latents = pipeline(guidance_scale=guidance, output_type="latent", **settings).images
        if latents.ndim == 3:  # as the network left them: tokens, normalised
            rows, columns = settings["height"] // 16, settings["width"] // 16
            cells: Tensor = latents.transpose(1, 2).unflatten(2, (rows, columns))
            return cells
        return self._normalised(pipeline, latents)

    @staticmethod
    def _normalised(pipeline: Any, latents: Tensor) -> Tensor:
        bn, patches = pipeline.vae.bn, pipeline._patchify_latents(latents)
        deviation = torch.sqrt(bn.running_var + pipeline.vae.config.batch_norm_eps)
        values: Tensor = (patches - bn.running_mean[:, None, None]) / deviation[:, None, None]
        return values

    def levels(self, pipeline: Any, steps: int, tokens: int) -> list[float]:
        """Return the levels, shifted by tokens and steps."""
        return levels_of(pipeline, steps, mu=compute_empirical_mu(tokens, steps))

    def encoded(self, pipeline: Any, picture: Tensor, generator: torch.Generator) -> Tensor:
        """Return a picture's likeliest latents."""
        return self._normalised(pipeline, pipeline.vae.encode(picture).latent_dist.mode())

    def velocity(
        self,
        pipeline: Any,
        crop: Tensor,
        level: float,
        text: str,
        guidance: Tensor | None = None,
    ) -> Tensor:
        """Return the velocity."""
        embedded, text_ids = pipeline.encode_prompt(text)
        height, width = crop.shape[2:]
        ids = torch.cartesian_prod(*(torch.arange(n) for n in (1, height, width, 1)))
        (found,) = pipeline.transformer(
            crop.flatten(2).transpose(1, 2),
            embedded,
            torch.tensor([level]),
            ids[None],
            text_ids,
            guidance,
            return_dict=False,
        )
        velocity: Tensor = found.transpose(1, 2).reshape(crop.shape)
        return velocity

    def guided(
        self, pipeline: Any, crop: Tensor, level: float, texts: tuple[str, str], scale: float
    ) -> Tensor:
        """Return the velocity with the guidance as an input."""
        return self.velocity(pipeline, crop, level, texts[0], torch.tensor([scale]))


class Flux2Klein(Flux2):
    """Guided, but with an empty negative prompt alone in diffusers, or distilled to one pass."""

    name = "flux2_klein"

    def __init__(self, *, distilled: bool) -> None:
        self.distilled, self.takes_negative = distilled, not distilled
        self.label = "flux2_klein distilled" if distilled else "flux2_klein base"
        self.pipelines_negative = ""

    def build(self) -> Any:
        """Return a small model."""
        return tiny.flux2_klein(distilled=self.distilled)

    def guided(
        self, pipeline: Any, crop: Tensor, level: float, texts: tuple[str, str], scale: float
    ) -> Tensor:
        """Return the velocity by guidance, or of the one pass."""
        if self.distilled:
            return self.velocity(pipeline, crop, level, texts[0])
        return FlowCase.guided(self, pipeline, crop, level, texts, scale)


class QwenImage(FlowCase):
    """Guided tokens are as long as those of the prompt alone."""

    name = "qwen_image"

    def build(self) -> Any:
        """Return a small model."""
        return tiny.qwen_image()

    def theirs(self, pipeline: Any, guidance: float, negative: str, **settings: Any) -> Tensor:
        """Return what diffusers' own pipeline makes."""
        latents = pipeline(
            negative_prompt=negative, true_cfg_scale=guidance, output_type="latent", **settings
        ).images
        return unpacked(latents, settings["height"], settings["width"])

    def levels(self, pipeline: Any, steps: int, tokens: int) -> list[float]:
        """Return the levels, shifted by the tokens."""
        return levels_of(pipeline, steps, mu=0.5 + (0.9 - 0.5) * (tokens - 256) / (8192 - 256))

    def encoded(self, pipeline: Any, picture: Tensor, generator: torch.Generator) -> Tensor:
        """Return the latents of a video's one frame."""
        return frame_latents(pipeline.vae, picture, generator)

    def velocity(self, pipeline: Any, crop: Tensor, level: float, text: str) -> Tensor:
        """Return the velocity."""
        embedded, _ = pipeline.encode_prompt(text, max_sequence_length=512)
        height, width = crop.shape[2] // 2, crop.shape[3] // 2
        (found,) = pipeline.transformer(
            packed(crop),
            embedded,
            None,
            torch.tensor([level]),
            img_shapes=[[(1, height, width)]],
            return_dict=False,
        )
        return unpacked(found, 16 * height, 16 * width)

    def guided(
        self, pipeline: Any, crop: Tensor, level: float, texts: tuple[str, str], scale: float
    ) -> Tensor:
        """Return the velocity by guidance, rescaled."""
        if scale == 1:
            return self.velocity(pipeline, crop, level, texts[0])
        guided = packed(super().guided(pipeline, crop, level, texts, scale))
        alone = packed(self.velocity(pipeline, crop, level, texts[0]))
        rescaled = guided * alone.norm(dim=-1, keepdim=True) / guided.norm(dim=-1, keepdim=True)
        return unpacked(rescaled, 8 * crop.shape[2], 8 * crop.shape[3])


class Krea2(QwenImage):
    """Guidance counts from 0 there; a distilled model's levels are shifted by a constant."""

    name = "krea2"

    def __init__(self, *, distilled: bool) -> None:
        self.distilled = distilled
        self.label = "krea2 turbo" if distilled else "krea2 raw"

    def build(self) -> Any:
        """Return a small model."""
        return tiny.krea2(distilled=self.distilled)

    def theirs(self, pipeline: Any, guidance: float, negative: str, **settings: Any) -> Tensor:
        """Return what diffusers' own pipeline makes."""
        latents = pipeline(
            negative_prompt=negative, guidance_scale=guidance - 1, output_type="latent", **settings
        ).images
        return unpacked(latents, settings["height"], settings["width"])

    def levels(self, pipeline: Any, steps: int, tokens: int) -> list[float]:
        """Return the levels, shifted by the tokens or a constant."""
        mu = 0.5 + (1.15 - 0.5) * (tokens - 256) / (6400 - 256)
        return levels_of(pipeline, steps, mu=1.15 if self.distilled else mu)

    def velocity(self, pipeline: Any, crop: Tensor, level: float, text: str) -> Tensor:
        """Return the velocity."""
        embedded, counts = pipeline.encode_prompt(text)
        height, width = crop.shape[2] // 2, crop.shape[3] // 2
        (found,) = pipeline.transformer(
            packed(crop),
            embedded,
            torch.tensor([level]),
            torch.cat([torch.zeros(embedded.shape[1], 3), places(height, width)]),
            encoder_attention_mask=counts,
            return_dict=False,
        )
        return unpacked(found, 16 * height, 16 * width)

    def guided(
        self, pipeline: Any, crop: Tensor, level: float, texts: tuple[str, str], scale: float
    ) -> Tensor:
        """Return the velocity by guidance."""
        return FlowCase.guided(self, pipeline, crop, level, texts, scale)


def levels_of(pipeline: Any, steps: int, mu: float | None = None, **sigmas: Any) -> list[float]:
    """Return the levels that diffusers' scheduler makes of evenly spaced ones, and 0."""
    scheduler = type(pipeline.scheduler).from_config(pipeline.scheduler.config)
    even = {"sigmas": [1 - i / steps for i in range(steps)], **sigmas}
    scheduler.set_timesteps(steps, mu=mu, **even)
    found: list[float] = scheduler.sigmas.tolist()
    return found


def frame_latents(vae: Any, picture: Tensor, generator: torch.Generator) -> Tensor:
    """Return the latents of a picture as a video's one frame."""
    latents = vae.encode(picture[:, :, None]).latent_dist.sample(generator)[:, :, 0]
    mean, std = (
        torch.tensor(values)[:, None, None]
        for values in (vae.config.latents_mean, vae.config.latents_std)
    )
    scaled: Tensor = (latents - mean) / std
    return scaled


def places(height: int, width: int) -> Tensor:
    """Return the places of tokens, (h·w, 3)."""
    return torch.cartesian_prod(*(torch.arange(n) for n in (1, height, width))).float()


def packed(latents: Tensor) -> Tensor:
    """Pack latents as diffusers' pipelines do."""
    tokens: Tensor = diffusers.FluxPipeline._pack_latents(latents, len(latents), *latents.shape[1:])
    return tokens


def unpacked(tokens: Tensor, height_px: int, width_px: int) -> Tensor:
    """Unpack latents as diffusers' pipelines do."""
    latents: Tensor = diffusers.FluxPipeline._unpack_latents(tokens, height_px, width_px, 8)
    return latents


CASES: tuple[FlowCase, ...] = (
    ZImage(),
    Flux2Klein(distilled=True),
    Flux2Klein(distilled=False),
    Flux2(),
    Flux(dev=True),
    Flux(dev=False),
    QwenImage(),
    StableDiffusion3(),
    Krea2(distilled=True),
    Krea2(distilled=False),
)
