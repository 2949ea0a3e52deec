"""What people give as a model and no family here runs: known by its tensors or by its class."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .families import FAMILIES, Family, family_titles
from .weights import Shapes

_INPUT = "model.diffusion_model.input_blocks.0.0.weight"
_LIKE = f"give a {family_titles()} model"
_CHECKPOINT = f"{_LIKE}, whole: a checkpoint, or a folder in diffusers' format"


@dataclass(frozen=True, slots=True)
class Foreign:
    """What something is, as it follows `is`, and what to give in its place."""

    title: str
    remedy: str = _LIKE


def _alone(title: str) -> Foreign:
    return Foreign(f"{title} alone, one part of a model", _CHECKPOINT)


def _addition(title: str) -> Foreign:
    made_for = f"give the {family_titles()} model that it was made for, which runs without it"
    return Foreign(f"{title}, which adds to a model and is none", made_for)


INPAINTING = Foreign("an inpainting model", f"{_LIKE} that was not made for inpainting")
EDITING = Foreign("a model that edits pictures", f"{_LIKE} that makes pictures from text")
DEPTH = Foreign("a depth-to-image model", f"{_LIKE} that makes pictures from text")
OUTLINES = Foreign("a model that follows outlines or depth", f"{_LIKE} that follows text alone")
REFINER = Foreign("SDXL's refiner", "give the base model, which makes the picture without it")
UPSCALER = Foreign("an upscaler", f"{_LIKE} that makes pictures from text")
VARIATIONS = Foreign("a model for variations of pictures", f"{_LIKE} that starts from text")
VIDEO = Foreign("a model for videos")
EDM = Foreign("an SDXL model of another kind of noise (EDM, as Playground 2.5 and CosXL have)")
LORA = _addition("a LoRA or one of its kin")
EMBEDDING = _addition("a textual-inversion embedding")
CONTROLNET = _addition("a ControlNet")
ADAPTER = _addition("an adapter")
NETWORK = _alone("a denoising network")
AUTOENCODER = _alone("an autoencoder (VAE)")
ENCODER = _alone("an encoder of texts or pictures")


def _of(family: str) -> Foreign:
    return Foreign(f"a model of the family {family}, which is not supported yet")


def _network(family: str) -> Foreign:
    title = f"the denoising network of a {family} model alone, one part of it"
    return Foreign(title, "give the whole model: a folder in diffusers' format, or a hub id")


def _other(family: str) -> Foreign:
    return Foreign(f"a model of the family {family} for another task", f"{_LIKE} for pictures")


FLUX2_NETWORK = _network("FLUX.2")
FLUX_NETWORK = _network("FLUX")
QWEN_NETWORK = _network("Qwen-Image")
SD3_NETWORK = _network("Stable Diffusion 3")
Z_IMAGE_NETWORK = _network("Z-Image or Lumina")
KREA2_NETWORK = _network("Krea 2")
NETWORKS = {
    FLUX2_NETWORK: ("flux2_klein", "flux2"),
    FLUX_NETWORK: ("flux",),
    QWEN_NETWORK: ("qwen_image",),
    SD3_NETWORK: ("sd3",),
    Z_IMAGE_NETWORK: ("z_image",),
    KREA2_NETWORK: ("krea2",),
    NETWORK: ("sd", "sdxl"),
}
"""The families whose networks run although they stand alone, with the rest of another model."""

# Signs by which a file is told although it has those of a family that runs.
_DISGUISED = (
    (CONTROLNET, r"^control_model\."),
    (EDM, r"^edm_(?:mean|std|vpred)\b"),
    (VARIATIONS, r"^(?:noise_augmentor|embedder)\."),
    (UPSCALER, r"^low_scale_model\."),
)
_NETWORK = r"^(?:model\.diffusion_model\.|diffusion_model\.|transformer\.|unet\.)?"
# From what is rare in names to what is in many; the networks of diffusers' folders are among them.
# Source: diffusers.loaders.single_file_utils.CHECKPOINT_KEY_NAMES, and the state of models there.
_SIGNS = (
    (CONTROLNET, r"^(?:controlnet_|control_|input_hint_block\.|zero_convs\.|lora_controlnet$)"),
    (LORA, r"(?:^|[._])(?:lora|lycoris)[._]|\.(?:hada_w\d|lokr_w\d|oft_|boft_|dora_scale)"),
    (ADAPTER, r"^(?:image_proj|ip_adapter|adapter\.body|body\.\d+\.(?:in_conv|block1|resnets))\b"),
    (ADAPTER, r"\bmotion_modules\."),
    (VIDEO, r"^conditioner\.embedders\.0\.open_clip\."),
    (VIDEO, rf"{_NETWORK}(?:head\.modulation|patchify_proj\.|blocks\.\d+\.attn\.qkv_x\.)"),
    (VIDEO, rf"{_NETWORK}(?:txt_in\.individual_token_refiner\.|temporal_|time_stack\.)"),
    (REFINER, r"^conditioner\.embedders\.0\.model\."),
    (FLUX2_NETWORK, rf"{_NETWORK}single_stream_modulation\."),
    (_of("Chroma"), rf"{_NETWORK}distilled_guidance_layer\."),
    (FLUX_NETWORK, rf"{_NETWORK}(?:double_blocks|single_transformer_blocks)\."),
    (QWEN_NETWORK, rf"{_NETWORK}transformer_blocks\.\d+\.(?:img|txt)_mod\."),
    (
        SD3_NETWORK,
        rf"{_NETWORK}(?:joint_blocks|transformer_blocks\.\d+\.norm1_context)\.",
    ),
    (Z_IMAGE_NETWORK, rf"{_NETWORK}(?:cap_embedder|noise_refiner|context_refiner)\."),
    (_of("PixArt or Sana"), rf"{_NETWORK}(?:blocks\.\d+\.cross_attn\.|caption_projection\.)"),
    (_of("AuraFlow"), rf"{_NETWORK}(?:cond_seq_linear|double_layers)\."),
    (_of("HiDream"), rf"{_NETWORK}double_stream_blocks\."),
    (KREA2_NETWORK, rf"{_NETWORK}(?:txtfusion|text_fusion)\."),
    (_of("Stable Cascade"), r"^(?:clip_txt_mapper\.|down_blocks\.\d+\.\d+\.channelwise\.)"),
    (NETWORK, rf"{_NETWORK}(?:input_blocks\.0\.0|down_blocks\.0\.resnets\.0\.time_emb_proj)\."),
    (
        AUTOENCODER,
        r"^(?:first_stage_model\.|vae\.)?(?:en|de)coder\.(?:conv_in|mid|mid_block|layers)\b",
    ),
    (ENCODER, r"^(?:text_model|vision_model|text_encoders?|cond_stage_model|conditioner)\."),
    (ENCODER, r"^(?:transformer\.resblocks|token_embedding|encoder\.block\.\d+|shared|visual)\."),
    (ENCODER, r"^(?:blk\.\d+|token_embd|enc\.blk\.\d+)\."),  # in GGUF
    (ENCODER, r"(?:^|\.)(?:embed_tokens|embeddings\.token_embedding)\."),
    (
        UPSCALER,
        r"^(?:model\.\d+\.|conv_first\.|RRDB_trunk|body\.\d+\.|layers\.\d+\.residual_group)",
    ),
)
_FLUX_INPUT = re.compile(r"(?:^|\.)(?:img_in|x_embedder)\.weight$")
_FLUX_CHANNELS = {128: OUTLINES, 384: INPAINTING}
_CHANNELS = {5: DEPTH, 7: UPSCALER, 8: EDITING, 9: INPAINTING}
_SHOWN = 60
_MOST_OF_EMBEDDING = 3  # a text encoder's each, and a number of steps

# diffusers' and transformers' classes, by what is in their names.
_CLASSES = (
    (CONTROLNET, r"ControlNet"),
    (ADAPTER, r"Adapter|AnimateDiff"),
    (INPAINTING, r"Inpaint|Fill"),
    (EDITING, r"Pix2Pix|Edit|Kontext"),
    (DEPTH, r"Depth2Img"),
    (UPSCALER, r"Upscale"),
    (VARIATIONS, r"UnCLIP|ImageVariation"),
    (REFINER, r"^StableDiffusionXLImg2Img"),
    (AUTOENCODER, r"^Autoencoder|^VQModel|Decoder(?:VAE|Tiny)"),
    (VIDEO, r"Video|^(?:Wan|LTX|Mochi|Cosmos|CogView?ideo)"),
    (NETWORK, r"^UNet|Transformer2?\w*Model$"),
    (_other("Stable Diffusion 3"), r"^StableDiffusion3"),
    (_other("FLUX.2"), r"^Flux2"),
    (_other("FLUX.1"), r"^Flux"),
    (_other("Z-Image"), r"^ZImage"),
    (_other("Qwen-Image"), r"^QwenImage"),
    (_other("Krea 2"), r"^Krea2"),
    (ENCODER, r"^(?:CLIP|T5|UMT5|Qwen|Gemma|Llama|Mistral|Bert|XLMRoberta)"),
)


def foreign_file(shapes: Shapes, family: Family | None) -> Foreign | None:
    """Return what a single file is by its tensors, None where its family runs it."""
    names = "\n".join(shapes)
    signs = _DISGUISED if family else (*_DISGUISED, *_SIGNS)
    found = next((is_ for is_, sign in signs if re.search(sign, names, re.MULTILINE)), None)
    channels = _input_channels(shapes)
    if found is FLUX_NETWORK:
        return foreign_flux(shapes) or found
    if found:
        return _CHANNELS.get(channels, found) if found is NETWORK else found
    if family is None:
        return EMBEDDING if _is_embedding(shapes) else _unknown(shapes)
    if foreign := foreign_channels(channels, family):
        return foreign
    for start, part in family.single_file_parts:
        if not any(name.startswith(start) for name in shapes):
            title = f"a {family.title} checkpoint without its {part} (nothing in it is {start}…)"
            return Foreign(title, "give the whole one")
    return None


def foreign_flux(shapes: Shapes) -> Foreign | None:
    """Return what a network of FLUX.1 is that sees more than a picture, None where it is none."""
    inputs = (shape for name, shape in shapes.items() if _FLUX_INPUT.search(name))
    shape = next(inputs, ())
    return _FLUX_CHANNELS.get(shape[1]) if len(shape) > 1 else None


def foreign_channels(channels: object, family: Family) -> Foreign | None:
    """Return what a network is by the channels that it sees, None where they are its family's."""
    if channels == family.network_channels or not isinstance(channels, int):
        return None
    other = Foreign(f"a model whose network sees {channels} channels")
    return _CHANNELS.get(channels, other)


def foreign_class(name: str) -> Foreign:
    """Return what a folder is by the class that it names."""
    for foreign, sign in _CLASSES:
        if re.search(sign, name):
            return Foreign(f"{foreign.title} ({name})", foreign.remedy)
    return Foreign(f"a {name}, which no family of this engine runs")


def family_of_shapes(shapes: Shapes) -> Family | None:
    """Return the family of a single file of weights by the names of its tensors."""
    known = FAMILIES.values()
    return next((f for f in known if any(name.startswith(f.signs) for name in shapes)), None)


def _input_channels(shapes: Shapes) -> int:
    """Return how many channels a file's network sees, 0 where it does not say."""
    shape = shapes.get(_INPUT, ())
    return shape[1] if len(shape) > 1 else 0


def _is_embedding(shapes: Shapes) -> bool:
    return 0 < len(shapes) <= _MOST_OF_EMBEDDING and all(
        "." not in name and len(shape) <= 2 for name, shape in shapes.items()
    )


def _unknown(shapes: Shapes) -> Foreign:
    if not shapes:
        return Foreign("a file without any tensor", _CHECKPOINT)
    return Foreign(
        f"of no kind that is known here (it holds {next(iter(shapes))[:60]!r})", _CHECKPOINT
    )
