"""What people give as a model and is none that runs: named before anything is loaded."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from engine.contract.errors import ModelError
from engine.contract.models import model_problems, require_model
from tests.contract.model_files import (
    NETWORK,
    SD,
    SDXL,
    copy_model,
    seeing,
    write_gguf_header,
    write_part,
    write_weights,
)

# Names and shapes as the programs write them that made such files.
FILES: dict[str, tuple[Mapping[str, tuple[int, ...]], str]] = {
    "sd": (SD, ""),
    "sdxl": (SDXL, ""),
    "inpainting": (seeing(9), "inpainting"),
    "xl-inpainting": (seeing(9, SDXL), "inpainting"),
    "depth": (seeing(5), "depth-to-image"),
    "instruct-pix2pix": (seeing(8), "edits pictures"),
    "x4-upscaler": ({**seeing(7), "low_scale_model.betas": (1,)}, "upscaler"),
    "17-channels": (seeing(17), "sees 17 channels"),
    "unclip": ({**SD, "noise_augmentor.time_embed.dim": (1,)}, "variations"),
    "cosxl": ({**SDXL, "edm_vpred.sigma_max": (1,)}, "EDM"),
    "playground": ({**SDXL, "edm_mean": (1, 4, 1, 1), "edm_std": (1, 4, 1, 1)}, "EDM"),
    "refiner": (
        {**NETWORK, "conditioner.embedders.0.model.ln_final.weight": (8,)},
        "refiner",
    ),
    "no-vae": ({k: v for k, v in SD.items() if "first_stage" not in k}, r"without its autoencoder"),
    "no-text-encoder": (
        {k: v for k, v in SDXL.items() if "embedders.0" not in k},
        "without its first text encoder",
    ),
    "network": (NETWORK, "network of a Stable Diffusion 1 or 2 or .* alone"),
    "inpainting-network": (seeing(9, NETWORK), "inpainting"),
    "network-of-diffusers": (
        {"conv_in.weight": (8, 4, 3, 3), "down_blocks.0.resnets.0.time_emb_proj.weight": (8, 8)},
        "network of a Stable Diffusion .* alone",
    ),
    "lora-of-diffusers": (
        {"unet.down_blocks.0.attentions.0.to_q.lora_A.weight": (4, 8)},
        "LoRA",
    ),
    "lora-of-old-diffusers": (
        {"unet.mid_block.attentions.0.attn1.processor.to_q_lora.down.weight": (4, 8)},
        "LoRA",
    ),
    "lora-of-kohya": (
        {
            "lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight": (4, 8),
            "lora_te_text_model_encoder_layers_0_mlp_fc1.alpha": (),
        },
        "LoRA",
    ),
    "lora-of-comfyui": (
        {"diffusion_model.double_blocks.0.img_attn.qkv.lora_A.weight": (4, 8)},
        "LoRA",
    ),
    "lycoris": ({"lycoris_mid_block_attn.hada_w1_a": (4, 8)}, "LoRA"),
    "embedding": ({"emb_params": (2, 768)}, "embedding"),
    "embedding-of-xl": ({"clip_l": (2, 768), "clip_g": (2, 1280)}, "embedding"),
    "embedding-of-diffusers": ({"<cat-toy>": (768,)}, "embedding"),
    "controlnet": (
        {
            "controlnet_cond_embedding.conv_in.weight": (16, 3, 3, 3),
            "down_blocks.0.resnets.0.time_emb_proj.weight": (8, 8),
        },
        "ControlNet",
    ),
    "controlnet-whole": ({**SD, "control_model.time_embed.0.weight": (8, 8)}, "ControlNet"),
    "t2i-adapter": ({"adapter.body.0.resnets.0.block1.weight": (8, 8, 3, 3)}, "adapter"),
    "ip-adapter": ({"image_proj.proj.weight": (8, 8)}, "adapter"),
    "motion": (
        {"down_blocks.0.motion_modules.0.temporal_transformer.norm.weight": (8,)},
        "adapter",
    ),
    "vae": ({"first_stage_model.decoder.conv_in.weight": (8, 4, 3, 3)}, "VAE"),
    "vae-of-diffusers": ({"decoder.mid_block.attentions.0.to_q.weight": (8, 8)}, "VAE"),
    "taesd": ({"encoder.layers.0.weight": (8, 3, 3, 3)}, "VAE"),
    "clip": ({"text_model.encoder.layers.0.mlp.fc1.weight": (8, 8)}, "encoder of texts"),
    "open-clip": ({"transformer.resblocks.0.ln_1.weight": (8,)}, "encoder of texts"),
    "t5": ({"encoder.block.0.layer.0.SelfAttention.q.weight": (8, 8)}, "encoder of texts"),
    "qwen": ({"model.embed_tokens.weight": (8, 8)}, "encoder of texts"),
    "esrgan": ({"model.1.sub.0.RDB1.conv1.0.weight": (8, 8, 3, 3)}, "upscaler"),
    "real-esrgan": ({"body.0.rdb1.conv1.weight": (8, 8, 3, 3)}, "upscaler"),
    "sd3": (
        {"model.diffusion_model.joint_blocks.0.x_block.mlp.fc1.weight": (8, 8)},
        "Stable Diffusion 3",
    ),
    "flux": (
        {"double_blocks.0.img_attn.norm.key_norm.scale": (8,)},
        r"network of a FLUX\.1 model alone",
    ),
    "flux-of-diffusers": ({"single_transformer_blocks.0.attn.to_q.weight": (8, 8)}, "FLUX"),
    "flux-all-in-one": (
        {
            "model.diffusion_model.double_blocks.0.img_mlp.0.weight": (8, 8),
            "text_encoders.clip_l.transformer.text_model.final_layer_norm.weight": (8,),
            "vae.decoder.conv_in.weight": (8, 16, 3, 3),
        },
        "FLUX",
    ),
    "flux2": ({"single_stream_modulation.lin.weight": (8, 8)}, r"FLUX\.2"),
    "flux-fill": (
        {"double_blocks.0.img_mlp.0.weight": (8, 8), "img_in.weight": (8, 384)},
        "inpainting",
    ),
    "flux-depth": (
        {"single_transformer_blocks.0.attn.to_q.weight": (8, 8), "x_embedder.weight": (8, 128)},
        "outlines or depth",
    ),
    "encoder-in-gguf": ({"blk.0.attn_q.weight": (8, 8)}, "encoder of texts"),
    "chroma": ({"distilled_guidance_layer.in_proj.bias": (8,)}, "Chroma"),
    "z-image": ({"cap_embedder.0.weight": (8,)}, "Z-Image"),
    "qwen-image": ({"transformer_blocks.0.img_mod.1.weight": (8, 8)}, "Qwen-Image"),
    "wan": ({"head.modulation": (1, 2, 8)}, "videos"),
    "svd": (
        {**seeing(8, NETWORK), "conditioner.embedders.0.open_clip.model.logit_scale": ()},
        "videos",
    ),
    "something": ({"layer.weight": (8,)}, r"no kind that is known here \(it holds 'layer.weight'"),
    "nothing": ({}, "without any tensor"),
}


def refusal(name: str, folder: Path) -> ModelError:
    with pytest.raises(ModelError) as caught:
        require_model(name, folder)
    assert caught.value.kind == "model"
    assert caught.value.advice
    return caught.value


@pytest.mark.parametrize("suffix", [".safetensors", ".SAFETENSORS"])
@pytest.mark.parametrize("kind", FILES)
def test_a_single_file_that_is_no_model_that_runs_is_named(
    kind: str, suffix: str, tmp_path: Path
) -> None:
    shapes, says = FILES[kind]
    write_weights(tmp_path / f"{kind}{suffix}", shapes)
    if not says:
        require_model(f"{kind}{suffix}", tmp_path)
        return
    error = refusal(f"{kind}{suffix}", tmp_path)
    assert re.search(says, error.message)
    assert f"{kind}{suffix} is " in error.message


@pytest.mark.parametrize("kind", [name for name, (_, says) in FILES.items() if says])
def test_what_a_gguf_file_holds_is_named_as_well(kind: str, tmp_path: Path) -> None:
    shapes, says = FILES[kind]
    write_gguf_header(tmp_path / f"{kind}.gguf", shapes)
    assert re.search(says, refusal(f"{kind}.gguf", tmp_path).message)


def test_a_unet_as_gguf_is_named(tmp_path: Path) -> None:
    write_gguf_header(tmp_path / "a.gguf", NETWORK)
    error = refusal("a.gguf", tmp_path)
    assert "as GGUF" in error.message
    assert error.advice == "get it as .safetensors"


def test_weights_of_gguf_in_a_form_that_is_not_read_are_named(tmp_path: Path) -> None:
    write_gguf_header(tmp_path / "a.gguf", {"double_blocks.0.x.weight": (8, 256)}, kind=20)
    error = refusal("a.gguf", tmp_path)
    assert "in a form of GGUF that is not read" in error.message
    assert "Q8_0" in error.advice


@pytest.mark.parametrize("values", [b"\xff" * 40, b"\1" + bytes(7) + b"a" + b"\x63\0\0\0"])
def test_a_gguf_header_that_is_nonsense_is_damaged(values: bytes, tmp_path: Path) -> None:
    write_gguf_header(tmp_path / "a.gguf", {"x.weight": (8, 8)}, values=values)
    assert "damaged" in refusal("a.gguf", tmp_path).message


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.CKPT", b"x", "pickle"),
        ("a.pt", b"x", "pickle"),
        ("a.gguf", b"GGUF", "damaged"),
        ("a.GGUF", b"GGUF\1\0\0\0" + bytes(99), "damaged"),
        ("a.gguf", b"GGUF\3\0\0\0" + b"\xff" * 99, "damaged"),
        ("a.zip", b"PK", "no .safetensors or .gguf file"),
        ("model", b"x", "no .safetensors or .gguf file"),
        ("a.safetensors", b"PK\x03\x04" + bytes(99), "pickle"),
        ("a.safetensors", b"\x80\x02}q\x00X" + bytes(99), "pickle"),
        ("a.safetensors", b"GGUF\3\0\0\0" + bytes(99), "without any tensor"),
        ("a.safetensors", b"version https://git-lfs.github.com/spec/v1\noid", "Git's pointer"),
        ("a.safetensors", b"<!DOCTYPE html><html>", "web page"),
        ("a.safetensors", b'{"error": "login"}', "a text"),
        ("a.safetensors", b"", "cut off"),
        ("a.safetensors", bytes(7), "cut off"),
        ("a.safetensors", struct.pack("<Q", 9**9), "cut off"),
        ("a.safetensors", b"\xff" * 64, "cut off"),
        ("a.safetensors", struct.pack("<Q", 2) + b"[]", "damaged"),
        ("a.safetensors", struct.pack("<Q", 9) + b'{"a": {}}', "damaged"),
        ("a.safetensors", struct.pack("<Q", 5) + b'{"a":', "damaged"),
        ("a.safetensors", struct.pack("<Q", 40_000) + b"[" * 40_000, "damaged"),
    ],
)
def test_a_file_that_holds_no_whole_weights_says_what_it_is(
    name: str, content: bytes, says: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    error = refusal(name, tmp_path)
    assert says in error.message
    assert name in error.message


def test_a_checkpoint_that_was_not_downloaded_whole_says_how_much_is_there(tmp_path: Path) -> None:
    path = write_weights(tmp_path / "a.safetensors", SD)
    whole = path.stat().st_size
    path.write_bytes(path.read_bytes()[:-1])
    assert f"has {whole - 1} bytes of {whole}" in refusal("a.safetensors", tmp_path).message


def with_network(**settings: Any) -> dict[str, Any]:
    return {"unet__config": settings}


def with_class(name: str, **index: Any) -> dict[str, Any]:
    return {"model_index": {"_class_name": name, **index}}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (with_network(in_channels=9), "inpainting"),
        (with_network(in_channels=5), "depth-to-image"),
        (with_network(in_channels=8), "edits pictures"),
        (with_network(in_channels=7), "upscaler"),
        (with_network(in_channels=16), "sees 16 channels"),
        (with_network(out_channels=8), "network makes 8 channels"),
        ({"vae__config": {"latent_channels": 16}}, "autoencoder makes 16 channels"),
        (
            {"scheduler__scheduler_config": {"_class_name": "EDMDPMSolverMultistepScheduler"}},
            "EDM",
        ),
        (with_class("StableDiffusionInpaintPipeline"), "inpainting"),
        (with_class("StableDiffusionXLInpaintPipeline"), "inpainting"),
        (with_class("StableDiffusionDepth2ImgPipeline"), "depth-to-image"),
        (with_class("StableDiffusionInstructPix2PixPipeline"), "edits pictures"),
        (with_class("FluxKontextPipeline"), "edits pictures"),
        (with_class("StableDiffusionUpscalePipeline"), "upscaler"),
        (with_class("StableDiffusionXLImg2ImgPipeline", text_encoder=[None, None]), "refiner"),
        (with_class("StableDiffusionControlNetPipeline"), "ControlNet"),
        (with_class("StableDiffusion3Img2ImgPipeline"), "Stable Diffusion 3"),
        (with_class("FluxPriorReduxPipeline"), "FLUX.1"),
        (with_class("Flux2KleinKVPipeline"), "FLUX.2"),
        (with_class("ZImageOmniPipeline"), "Z-Image"),
        (with_class("FluxPipeline"), "no transformer"),
        (with_class("SomeNewPipeline"), "SomeNewPipeline, which no family"),
        ({"model_index": {"unet": ["diffusers", "UNet3DConditionModel"]}}, "UNet3DCondition"),
    ],
)
def test_a_folder_that_is_no_model_that_runs_is_named(
    changes: dict[str, Any], says: str, tmp_path: Path
) -> None:
    copy_model(tmp_path / "model", **changes)
    error = refusal("model", tmp_path)
    assert says in error.message
    assert str(tmp_path / "model") in error.message


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"_class_name": "UNet2DConditionModel"}, "network alone"),
        ({"_class_name": "AutoencoderKL"}, "VAE"),
        ({"_class_name": "ControlNetModel"}, "ControlNet"),
        ({"_class_name": "T2IAdapter"}, "adapter"),
        ({"_class_name": "FluxTransformer2DModel"}, "network alone"),
        ({"architectures": ["CLIPTextModel"]}, "encoder of texts"),
        ({"architectures": ["T5EncoderModel"]}, "encoder of texts"),
        ({"architectures": 3}, "holds no model_index.json"),
    ],
)
def test_a_folder_that_is_one_part_of_a_model_is_named(
    config: dict[str, Any], says: str, tmp_path: Path
) -> None:
    write_part(tmp_path / "part", config)
    assert says in refusal("part", tmp_path).message


def test_a_folder_of_other_things_says_what_to_give(tmp_path: Path) -> None:
    loras, files, empty = (tmp_path / name for name in ("loras", "files", "empty"))
    write_weights(loras / "pytorch_lora_weights.safetensors", {})
    write_weights(files / "dream.safetensors", SD)
    empty.mkdir()
    assert "LoRA" in refusal("loras", tmp_path).message
    assert "dream.safetensors" in refusal("files", tmp_path).advice
    assert "top folder" in refusal("empty", tmp_path).advice


def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> Path:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    return copy_model(tmp_path / "models--owner--name" / "snapshots" / "0", **changes)


def test_a_model_in_the_hubs_cache_is_looked_at_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = cached(tmp_path, monkeypatch)
    require_model("owner/name", tmp_path)
    assert model_problems("owner/name", tmp_path) == ()
    (snapshot / "unet" / "config.json").write_text('{"in_channels": 9}')
    (problem,) = model_problems("owner/name", tmp_path)
    assert (problem.field, problem.severity) == ("model", "error")
    assert "inpainting" in problem.message


def test_a_model_of_another_family_in_the_hubs_cache_is_not_to_be_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = cached(tmp_path, monkeypatch, **with_class("FluxPriorReduxPipeline"))
    (snapshot / "unet" / "config.json").unlink()
    (snapshot / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    error = refusal("owner/name", tmp_path)
    assert "owner/name is a model of the family FLUX.1" in error.message
    assert "download" not in error.advice


@pytest.mark.parametrize("name", ["a/b.CKPT", "a/b.Safetensors", "a/b.gguf", "a/b.PT"])
def test_a_file_that_is_not_there_is_no_hub_id(name: str, tmp_path: Path) -> None:
    assert "no folder or file" in refusal(name, tmp_path).message
