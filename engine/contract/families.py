"""Model families: what every part of the program must know of each, as plain values.

`engine.families` holds a module of the same name for each.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from .schedulers import FLOW_SCHEDULERS, SCHEDULERS

THROUGH_ADAPTERS, BY_ITSELF = "through IP-Adapters", "by itself"
"""How models follow reference pictures: their networks have others beside, or are shown them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FewSteps:
    """How a model of few steps is told from its family's others, and what suits it."""

    file: str
    key: str
    value: object
    """What the model's file says at the key."""
    num_inference_steps: int
    guidance_scale: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A kind of model, with what suits most of its kind."""

    name: str
    """The module of `engine.families` that runs it."""
    title: str
    pipelines: tuple[str, ...]
    """diffusers' classes, as a model's `model_index.json` names them."""
    signs: tuple[str, ...]
    """How the names of tensors begin that tell the family of a single file."""
    single_file_parts: tuple[tuple[str, str], ...]
    """How the names of tensors begin that a single file must have, and what they are."""
    stride_px: int
    """Pixels per cell of the canvas's latents, in both directions."""
    grid_px: int
    """The canvas, and the sides of regions, are multiples of this."""
    channels: int
    """Channels of a latent cell."""
    native_px: int
    """The side of the pictures that it was trained on."""
    num_inference_steps: int
    guidance_scale: float
    schedulers: tuple[str, ...]
    """Those that suit it, by their names in a job."""
    parts: tuple[str, ...]
    """The folders of a model that are loaded; safety checkers and the like are not."""
    weighted_parts: tuple[str, ...]
    """Those of the parts that hold weights."""
    classes: tuple[tuple[str, str], ...]
    """The parts that the family works with by themselves, each with its class."""
    network: str = "unet"
    """The part that removes the noise."""
    network_channels: int
    """Channels that the network sees: a cell's, or those of a patch of cells."""
    vae_channels: int
    """Channels of the autoencoder's latents; a canvas may hold several of its cells in one."""
    size_config: tuple[str, str] | None = None
    """The file and the key that say, in cells, what size a model was trained on."""
    few_steps: FewSteps | None = None
    reads_weights: bool = False
    """Whether prompts can have weights there, and be of any length."""
    takes_negative: bool = True
    """Whether its models hear negative prompts."""
    follows: str = ""
    """How its models follow reference pictures: THROUGH_ADAPTERS, BY_ITSELF, or not at all."""
    width: int = 0
    """How wide the networks of most of its models are (`network_width`); 0 where that varies."""
    most_region_px: int | None = None
    """The longest side that its network can look at; None where nothing ends it."""
    takes_float16: bool = True
    """Whether its numbers fit into float16, which some cards have in place of bfloat16."""
    prefers_half: bool = False
    """Whether weights in half precision are fetched where a model has both."""
    token_bytes: int
    """What a pass takes beside the weights in half precision, for each 16 × 16 pixels and each of
    its text's tokens (`python -m benchmarks.footprints`)."""
    text_tokens: int = 512
    """Tokens of a text that the network sees beside those of the picture, at most."""
    decoded_px_bytes: int = 3072
    """What the decoding of a pixel takes, in float32."""

    @property
    def sees_references(self) -> bool:
        """Whether its networks are shown reference pictures themselves."""
        return self.follows == BY_ITSELF


_IN_ALL_FILES = (
    ("model.diffusion_model.", "denoising network"),
    ("first_stage_model.", "autoencoder (VAE)"),
)

_SD = Family(
    name="sd",
    title="Stable Diffusion 1 or 2",
    pipelines=("StableDiffusionPipeline", "LatentConsistencyModelPipeline"),
    signs=("cond_stage_model.",),
    single_file_parts=(*_IN_ALL_FILES, ("cond_stage_model.", "text encoder")),
    stride_px=8,
    grid_px=8,
    channels=4,
    native_px=512,
    num_inference_steps=30,
    guidance_scale=7.5,
    schedulers=tuple(SCHEDULERS),
    parts=("scheduler", "text_encoder", "tokenizer", "unet", "vae"),
    weighted_parts=("text_encoder", "unet", "vae"),
    classes=(("unet", "UNet2DConditionModel"), ("vae", "AutoencoderKL")),
    network_channels=4,
    vae_channels=4,
    size_config=("unet/config.json", "sample_size"),
    reads_weights=True,
    follows=THROUGH_ADAPTERS,
    width=768,
    token_bytes=67_000,
    text_tokens=0,
)
_SDXL = replace(
    _SD,
    name="sdxl",
    title="Stable Diffusion XL",
    pipelines=("StableDiffusionXLPipeline",),
    signs=("conditioner.embedders.1.",),
    single_file_parts=(
        *_IN_ALL_FILES,
        ("conditioner.embedders.0.", "first text encoder"),
        ("conditioner.embedders.1.", "second text encoder"),
    ),
    native_px=1024,
    guidance_scale=6.0,
    width=2048,
    parts=(*_SD.parts, "text_encoder_2", "tokenizer_2"),
    weighted_parts=("text_encoder", "text_encoder_2", "unet", "vae"),
    prefers_half=True,
    token_bytes=41_000,
)

_Z_IMAGE = Family(
    name="z_image",
    title="Z-Image",
    pipelines=("ZImagePipeline",),
    signs=(),
    single_file_parts=(),
    stride_px=8,
    grid_px=16,
    channels=16,
    native_px=1024,
    num_inference_steps=30,
    guidance_scale=5.0,
    schedulers=FLOW_SCHEDULERS,
    parts=("scheduler", "text_encoder", "tokenizer", "transformer", "vae"),
    weighted_parts=("text_encoder", "transformer", "vae"),
    classes=(("transformer", "ZImageTransformer2DModel"), ("vae", "AutoencoderKL")),
    network="transformer",
    network_channels=16,
    vae_channels=16,
    few_steps=FewSteps(
        file="scheduler/scheduler_config.json", key="shift", value=3.0, num_inference_steps=9
    ),
    most_region_px=8192,
    takes_float16=False,
    token_bytes=123_000,
)
_FLUX = replace(
    _Z_IMAGE,
    name="flux",
    title="FLUX.1",
    pipelines=("FluxPipeline",),
    width=3072,
    num_inference_steps=28,
    guidance_scale=3.5,
    parts=(*_Z_IMAGE.parts, "text_encoder_2", "tokenizer_2"),
    weighted_parts=("text_encoder", "text_encoder_2", "transformer", "vae"),
    most_region_px=None,
    classes=(("transformer", "FluxTransformer2DModel"), ("vae", "AutoencoderKL")),
    network_channels=64,
    few_steps=FewSteps(
        file="transformer/config.json", key="guidance_embeds", value=False, num_inference_steps=4
    ),
    takes_negative=False,
    takes_float16=True,
    token_bytes=106_000,
)
_FLUX2 = replace(
    _Z_IMAGE,
    name="flux2",
    title="FLUX.2 dev",
    pipelines=("Flux2Pipeline",),
    stride_px=16,
    channels=128,
    num_inference_steps=28,
    guidance_scale=4.0,
    most_region_px=None,
    classes=(("transformer", "Flux2Transformer2DModel"), ("vae", "AutoencoderKLFlux2")),
    network_channels=128,
    vae_channels=32,
    few_steps=None,
    takes_negative=False,
    follows=BY_ITSELF,
    takes_float16=True,
    token_bytes=262_000,
)
_FLUX2_KLEIN = replace(
    _FLUX2,
    name="flux2_klein",
    title="FLUX.2 klein",
    pipelines=("Flux2KleinPipeline",),
    num_inference_steps=50,
    few_steps=FewSteps(
        file="model_index.json", key="is_distilled", value=True, num_inference_steps=4
    ),
    takes_negative=True,
    token_bytes=176_000,
)
_QWEN_IMAGE = replace(
    _Z_IMAGE,
    name="qwen_image",
    title="Qwen-Image",
    pipelines=("QwenImagePipeline",),
    native_px=1328,
    width=3072,
    num_inference_steps=50,
    guidance_scale=4.0,
    most_region_px=None,
    classes=(("transformer", "QwenImageTransformer2DModel"), ("vae", "AutoencoderKLQwenImage")),
    network_channels=64,
    few_steps=None,
    token_bytes=91_000,
    decoded_px_bytes=6925,
)
_SD3 = replace(
    _Z_IMAGE,
    name="sd3",
    title="Stable Diffusion 3",
    pipelines=("StableDiffusion3Pipeline",),
    num_inference_steps=28,
    guidance_scale=4.5,
    parts=(*_FLUX.parts, "text_encoder_3", "tokenizer_3"),
    weighted_parts=("text_encoder", "text_encoder_2", "text_encoder_3", "transformer", "vae"),
    classes=(("transformer", "SD3Transformer2DModel"), ("vae", "AutoencoderKL")),
    size_config=("transformer/config.json", "sample_size"),
    width=2432,
    few_steps=None,
    most_region_px=3072,
    takes_float16=True,
    token_bytes=110_000,
    text_tokens=333,
)
_KREA2 = replace(
    _QWEN_IMAGE,
    name="krea2",
    title="Krea 2",
    pipelines=("Krea2Pipeline",),
    native_px=1024,
    width=0,
    num_inference_steps=28,
    guidance_scale=4.5,
    classes=(("transformer", "Krea2Transformer2DModel"), ("vae", "AutoencoderKLQwenImage")),
    few_steps=FewSteps(
        file="model_index.json", key="is_distilled", value=True, num_inference_steps=8
    ),
    takes_float16=True,
    token_bytes=150_000,
)

FAMILIES = {
    family.name: family
    for family in (
        _SD,
        _SDXL,
        _Z_IMAGE,
        _FLUX2_KLEIN,
        _FLUX2,
        _FLUX,
        _QWEN_IMAGE,
        _SD3,
        _KREA2,
    )
}

DEFAULT_FAMILY = FAMILIES["sd"]


def family_of_pipeline(class_name: str) -> Family | None:
    """Return the family that runs one of diffusers' pipelines."""
    return next((f for f in FAMILIES.values() if class_name in f.pipelines), None)


def family_titles() -> str:
    """Return the families as a person names them, for advice."""
    *others, last = (family.title for family in FAMILIES.values())
    return f"{', '.join(others)} or {last}"
