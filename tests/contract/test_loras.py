"""LoRAs before they are loaded: which model they are for, where they lie, what is wrong."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from engine.contract.again import again
from engine.contract.checks import check
from engine.contract.errors import ModelError, Problem
from engine.contract.families import FAMILIES
from engine.contract.job import Job, to_document
from engine.contract.lora import Lora
from engine.contract.lora_families import families_of_lora
from engine.contract.lora_files import hub_lora, lora_path, require_lora
from engine.contract.loras import identified, lora_files, lora_of_text
from engine.contract.models import ModelFacts
from tests.contract.jobs import right_job
from tests.contract.model_files import SD, SDXL, write_weights

Shapes = dict[str, tuple[int, ...]]


def layer(name: str, inputs: int, outputs: int, down: str = "lora_A", up: str = "lora_B") -> Shapes:
    """Return the two matrices of a layer."""
    return {f"{name}.{down}.weight": (4, inputs), f"{name}.{up}.weight": (outputs, 4)}


def kohya(name: str, inputs: int, outputs: int) -> Shapes:
    return layer(name, inputs, outputs, "lora_down", "lora_up")


def attention(block: str, width: int, count: int = 1, prefix: str = "transformer.") -> Shapes:
    """Return a layer of the attention of some blocks."""
    found: Shapes = {}
    for number in range(count):
        found |= layer(f"{prefix}{block}.{number}.attn.to_q", width, width)
    return found


SDXL_KOHYA = "lora_unet_input_blocks_4_1_transformer_blocks_{}_attn2_to_k"
MADE_FOR: dict[str, tuple[Shapes, str]] = {
    "sd 1, diffusers": (
        layer("unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k", 768, 320),
        "sd",
    ),
    "sd 1, kohya": (
        kohya("lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k", 768, 320),
        "sd",
    ),
    "sd 1, old diffusers": (
        layer(
            "unet.mid_block.attentions.0.transformer_blocks.0.attn2.processor.to_k_lora",
            768,
            1280,
            "down",
            "up",
        ),
        "sd",
    ),
    "sd 2": (
        layer("unet.mid_block.attentions.0.transformer_blocks.0.attn2.to_v", 1024, 1280),
        "sd",
    ),
    "sdxl, kohya": (kohya(SDXL_KOHYA.format(0), 2048, 640), "sdxl"),
    "sdxl, kohya, by depth": (
        kohya(SDXL_KOHYA.format(1).replace("attn2", "attn1"), 640, 640),
        "sdxl",
    ),
    "sdxl, by its second encoder": (
        kohya("lora_te2_text_model_encoder_layers_0_mlp_fc1", 1280, 5120)
        | kohya("lora_unet_mid_block_resnets_0_conv1", 1280, 1280),
        "sdxl",
    ),
    "sdxl, diffusers": (
        layer("unet.mid_block.attentions.0.transformer_blocks.9.attn1.to_q", 1280, 1280),
        "sdxl",
    ),
    "flux, diffusers": (attention("single_transformer_blocks", 3072), "flux"),
    "flux, comfyui": (
        layer("diffusion_model.single_blocks.0.linear1", 3072, 7 * 3072),
        "flux",
    ),
    "flux, kohya": (kohya("lora_unet_double_blocks_0_img_mlp_0", 3072, 4 * 3072), "flux"),
    "flux, kohya, attention": (
        kohya("lora_unet_double_blocks_18_img_attn_qkv", 3072, 9216),
        "flux",
    ),
    "flux 2 klein, comfyui": (
        layer("diffusion_model.single_blocks.0.linear1", 4096, 9 * 4096),
        "flux2_klein",
    ),
    "flux 2 klein, diffusers": (
        layer("transformer.single_transformer_blocks.0.attn.to_qkv_mlp_proj", 3072, 27648),
        "flux2_klein",
    ),
    "flux 2, diffusers": (
        layer("transformer.single_transformer_blocks.0.attn.to_qkv_mlp_proj", 6144, 55296),
        "flux2",
    ),
    "flux 2, kohya": (kohya("lora_unet_double_blocks_0_img_mlp_0", 6144, 6 * 6144), "flux2"),
    "qwen, diffusers": (
        layer("transformer.transformer_blocks.0.img_mlp.net.2", 12288, 3072),
        "qwen_image",
    ),
    "qwen, attention": (attention("transformer_blocks", 3072, 60), "qwen_image"),
    "qwen, comfyui": (
        layer("diffusion_model.transformer_blocks.0.img_mod.1", 3072, 18432),
        "qwen_image",
    ),
    "sd 3": (attention("transformer_blocks", 1536, 24), "sd3"),
    "sd 3, authors": (kohya("lora_unet_joint_blocks_0_x_block_attn_qkv", 1536, 4608), "sd3"),
    "z-image, comfyui": (
        layer("diffusion_model.layers.0.attention.to_q", 3840, 3840),
        "z_image",
    ),
    "z-image, kohya": (kohya("lora_unet_layers_0_feed_forward_w1", 3840, 10240), "z_image"),
    "z-image, refiner": (
        layer("transformer.context_refiner.0.attention.to_q", 3840, 3840),
        "z_image",
    ),
    "krea 2, authors": (layer("diffusion_model.blocks.0.attn.wq", 6144, 6144), "krea2"),
    "krea 2, diffusers": (layer("transformer.transformer_blocks.0.ff.gate", 6144, 16384), "krea2"),
}


@pytest.mark.parametrize(("shapes", "family"), MADE_FOR.values(), ids=MADE_FOR.keys())
def test_the_family_is_told_by_names_and_shapes(shapes: Shapes, family: str) -> None:
    assert families_of_lora(shapes, {}) == {family}


@pytest.mark.parametrize(
    ("said", "family"),
    [
        ({"ss_base_model_version": "sdxl_base_v1-0"}, "sdxl"),
        ({"ss_base_model_version": "sd_v1"}, "sd"),
        ({"modelspec.architecture": "stable-diffusion-v1/lora"}, "sd"),
        ({"modelspec.architecture": "stable-diffusion-xl-v1-base/lora"}, "sdxl"),
    ],
)
def test_what_a_file_says_of_itself_decides_between_families(
    said: dict[str, str], family: str
) -> None:
    unclear = kohya("lora_unet_mid_block_resnets_0_conv1", 1280, 1280)
    assert families_of_lora(unclear, {}) == {"sd", "sdxl"}
    assert families_of_lora(unclear, said) == {family}


def test_what_a_file_says_of_itself_goes_not_before_what_it_holds() -> None:
    shapes, _ = MADE_FOR["z-image, comfyui"]
    assert families_of_lora(shapes, {"ss_base_model_version": "sdxl_base_v1-0"}) == {"z_image"}


def refusal(lora: str, folder: Path, family: str = "sd") -> str:
    with pytest.raises(ModelError) as caught:
        require_lora(Lora(lora=lora), folder, FAMILIES[family])
    return str(caught.value)


@pytest.mark.parametrize(("shapes", "family"), MADE_FOR.values(), ids=MADE_FOR.keys())
def test_a_lora_is_taken_by_its_own_family_and_named_by_others(
    shapes: Shapes, family: str, tmp_path: Path
) -> None:
    path = write_weights(tmp_path / "ink.safetensors", shapes)
    require_lora(Lora(lora="ink.safetensors"), tmp_path, FAMILIES[family])
    require_lora(Lora(lora=str(path)), tmp_path, None)
    for other in FAMILIES.keys() - {family}:
        said = refusal("ink.safetensors", tmp_path, other)
        assert f"ink.safetensors is a LoRA for {FAMILIES[family].title}" in said
        assert f"choose a LoRA for {FAMILIES[other].title}" in said


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("ink.ckpt", b"\x80\x02}q", "ink.ckpt is a pickle"),
        ("ink.pt", b"PK\x03\x04", "ink.pt is a pickle"),
        ("ink.bin", b"PK\x03\x04", "ink.bin is a pickle"),
        ("ink.safetensors", b"PK\x03\x04" + bytes(90), "is a pickle"),
        ("ink.safetensors", b"", "damaged"),
        ("ink.safetensors", b"<!DOCTYPE html>" + bytes(90), "web page"),
        ("ink.png", b"\x89PNG", "is no .safetensors file"),
    ],
)
def test_what_is_no_file_of_weights_is_said(
    name: str, content: bytes, says: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    assert says in refusal(name, tmp_path)


@pytest.mark.parametrize(
    ("shapes", "says"),
    [
        (SD, "ink.safetensors is a whole model (Stable Diffusion 1 or 2), and no LoRA"),
        (SDXL, "a whole model (Stable Diffusion XL)"),
        ({"controlnet_cond_embedding.conv_in.weight": (8, 3, 3, 3)}, "a ControlNet"),
        ({"decoder.conv_in.weight": (8, 4, 3, 3)}, "an autoencoder"),
        ({"emb_params": (4, 768)}, "textual-inversion embedding"),
        ({"lora_unet_mid_block.hada_w1_a": (4, 8)}, "a LoHa"),
        ({"lora_unet_mid_block.lokr_w1": (4, 8)}, "a LoKr"),
        ({**kohya("lora_unet_x", 8, 8), "lora_unet_x.dora_scale": (8,)}, "a DoRA"),
    ],
)
def test_what_is_no_lora_is_named(shapes: Shapes, says: str, tmp_path: Path) -> None:
    write_weights(tmp_path / "ink.safetensors", shapes)
    said = refusal("ink.safetensors", tmp_path)
    assert says in said
    assert "choose a LoRA" in said


def test_a_file_that_is_not_there_is_named_with_where_it_was(tmp_path: Path) -> None:
    for name in ("ink.safetensors", "loras/ink.safetensors", "a/b/ink.safetensors"):
        assert f"there is no file {name!r} in {tmp_path}" in refusal(name, tmp_path)
    said = refusal("/elsewhere/loras/ink.safetensors", tmp_path)
    assert "there is no file '/elsewhere/loras/ink.safetensors'" in said
    with pytest.raises(ModelError, match=r"sha256 abcdef012345…"):
        lora_path(Lora(lora="/x/ink.safetensors", sha256="abcdef0123456789"), tmp_path)
    assert "is an address" in refusal("https://example.com/ink.safetensors", tmp_path)


def test_a_file_is_known_by_its_content(tmp_path: Path) -> None:
    shapes, _ = MADE_FOR["sd 1, diffusers"]
    path = write_weights(tmp_path / "a" / "ink.safetensors", shapes)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    job = Job(canvas_height=64, canvas_width=64, loras=(Lora(lora="ink.safetensors"),))
    known = identified(job, lora_files(job, path.parent))
    assert known.loras[0].sha256 == digest
    # Elsewhere it is found beside the job, where it is the same.
    (tmp_path / "b").mkdir()
    moved = Path(path.rename(tmp_path / "b" / "ink.safetensors"))
    gone = Lora(lora=str(path), sha256=digest)
    assert require_lora(gone, tmp_path / "b", FAMILIES["sd"]) == moved
    write_weights(moved, {**shapes, **kohya("lora_unet_more", 8, 8)})
    with pytest.raises(ModelError, match="there is no file"):
        require_lora(gone, tmp_path / "b", FAMILIES["sd"])
    there = Lora(lora=str(moved), sha256=digest)
    with pytest.raises(ModelError, match="is not the file that the picture was made with"):
        require_lora(there, tmp_path, FAMILIES["sd"])
    assert again(known, picture="x.png", regions=()).loras[0].sha256 == ""


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("owner/name", ("owner/name", "")),
        ("owner/name/file.safetensors", ("owner/name", "file.safetensors")),
        ("owner/na.me/a/b.safetensors", ("owner/na.me", "a/b.safetensors")),
        ("/home/me/ink.safetensors", None),
        ("./styles/more/ink.safetensors", None),
        ("~/styles/ink.safetensors", None),
        ("C:/styles/ink.safetensors", None),
        ("styles\\ink.safetensors", None),
        ("ink.safetensors", None),
    ],
)
def test_names_on_the_hub_are_told_from_paths(name: str, found: tuple[str, str] | None) -> None:
    assert hub_lora(name) == found


def test_the_hubs_cache_is_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    shapes, _ = MADE_FOR["sd 1, diffusers"]
    assert "owner/name is not on this computer" in refusal("owner/name", tmp_path)
    snapshot = tmp_path / "models--owner--name" / "snapshots" / ("1" * 40)
    one = write_weights(snapshot / "ink.safetensors", shapes)
    assert lora_path(Lora(lora="owner/name"), tmp_path) == one
    two = write_weights(snapshot / "more" / "chalk.safetensors", shapes)
    assert lora_path(Lora(lora="owner/name/more/chalk.safetensors"), tmp_path) == two
    write_weights(snapshot / "wash.safetensors", shapes)
    said = refusal("owner/name", tmp_path)
    assert "ink.safetensors, wash.safetensors" in said
    assert "owner/name/FILE" in said


def problems(loras: Any, own: Any = (), folder: Path | None = None) -> tuple[Problem, ...]:
    document = right_job()
    document["loras"] = loras
    document["regions"][0]["loras"] = list(own)
    facts = ModelFacts.of_family(FAMILIES["sd"])
    return check(json.loads(json.dumps(document)), folder=folder, facts=facts).problems


@pytest.mark.parametrize(
    ("loras", "field", "says"),
    [
        ("ink.safetensors", "loras", "write a list of LoRAs"),
        (["ink.safetensors"], "loras[0]", "write an object in braces"),
        ([{}], "loras[0].lora", "is missing"),
        ([{"lora": ""}], "loras[0].lora", "empty"),
        ([{"lora": "a", "weight": 11}], "loras[0].weight", "above 10"),
        ([{"lora": "a", "weight": "1"}], "loras[0].weight", "is not a number"),
        ([{"lora": "a", "weigth": 1}], "loras[0].weigth", "weight"),
        ([{"file": "a"}], "loras[0].file", "write 'lora'"),
    ],
)
def test_wrong_entries_are_named(loras: Any, field: str, says: str) -> None:
    found = {problem.field: str(problem) for problem in problems(loras)}
    assert says in found[field]


def test_a_regions_lora_is_named_at_the_region(tmp_path: Path) -> None:
    write_weights(tmp_path / "theirs.safetensors", MADE_FOR["flux, comfyui"][0])
    found = problems([], [{"lora": "theirs.safetensors"}, {"lora": "gone.safetensors"}], tmp_path)
    errors = [one for one in found if "loras" in one.field]
    assert [one.field for one in errors] == ["regions[0].loras[0].lora", "regions[0].loras[1].lora"]
    assert all(one.region for one in errors)
    assert "theirs.safetensors is a LoRA for FLUX.1" in errors[0].message
    assert "gone.safetensors" in errors[1].message


def test_a_job_without_loras_is_what_it_was_and_one_with_them_is_read_back() -> None:
    assert check(right_job(), folder=None).job_or_raise().loras == ()
    document = right_job()
    document["loras"] = [{"lora": "ink.safetensors"}]
    document["regions"][0]["loras"] = [{"lora": "owner/name", "weight": -0.5}]
    job = check(document, folder=None).job_or_raise()
    assert job.loras == (Lora(lora="ink.safetensors"),)
    assert job.text_regions[0].loras == (Lora(lora="owner/name", weight=-0.5),)
    assert check(to_document(job), folder=None).job_or_raise() == job


@pytest.mark.parametrize(
    ("text", "lora"),
    [
        ("ink.safetensors", Lora(lora="ink.safetensors")),
        ("ink.safetensors:0.5", Lora(lora="ink.safetensors", weight=0.5)),
        ("owner/name:-1", Lora(lora="owner/name", weight=-1.0)),
        ("C:\\ink.safetensors", Lora(lora="C:\\ink.safetensors")),
        ("C:\\ink.safetensors:0.5", Lora(lora="C:\\ink.safetensors", weight=0.5)),
    ],
)
def test_the_command_line_names_a_file_and_a_weight(text: str, lora: Lora) -> None:
    assert lora_of_text(text) == lora
