"""What is known of a model before it is loaded: as a folder, a file, on the hub, or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.contract.models import facts_of
from engine.contract.weights import read_shapes
from tests.contract.model_files import SD, SDXL, write_weights


def folder(at: Path, class_name: str, sample_size: int | None = None) -> Path:
    (at / "unet").mkdir(parents=True)
    (at / "model_index.json").write_text(json.dumps({"_class_name": class_name}))
    config = {} if sample_size is None else {"sample_size": sample_size}
    (at / "unet" / "config.json").write_text(json.dumps(config))
    return at


def test_the_bundled_model_says_what_suits_it() -> None:
    for name in (None, "bundled", " "):
        facts = facts_of(name)
        assert (facts.family.name, facts.native_px, facts.largest_px) == ("sd", 128, 320)
        assert (facts.num_inference_steps, facts.guidance_scale) == (16, 4.0)
        assert facts.scheduler == "ddim"


@pytest.mark.parametrize(
    ("class_name", "sample_size", "family", "native_px"),
    [
        ("StableDiffusionPipeline", 64, "sd", 512),
        ("StableDiffusionPipeline", 96, "sd", 768),
        ("StableDiffusionPipeline", None, "sd", 512),
        ("StableDiffusionPipeline", 8, "sd", 512),
        ("LatentConsistencyModelPipeline", 96, "sd", 768),
        ("StableDiffusionXLPipeline", 128, "sdxl", 1024),
        ("StableDiffusionXLPipeline", 64, "sdxl", 512),
        ("SomeOtherPipeline", 64, "sd", 512),
    ],
)
def test_a_folder_is_known_by_its_index_and_its_size_by_its_network(
    class_name: str, sample_size: int | None, family: str, native_px: int, tmp_path: Path
) -> None:
    folder(tmp_path / "model", class_name, sample_size)
    facts = facts_of("model", tmp_path)
    assert (facts.family.name, facts.native_px, facts.largest_px) == (family, native_px, native_px)


def test_a_model_of_the_hub_has_the_size_that_it_has_as_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    assert facts_of("owner/name").native_px == 512
    snapshot = tmp_path / "models--owner--name" / "snapshots" / "0"
    folder(snapshot, "StableDiffusionPipeline", 96)
    for part in ("unet", "vae", "text_encoder"):
        (snapshot / part).mkdir(exist_ok=True)
        (snapshot / part / "model.safetensors").touch()
    assert facts_of("owner/name").native_px == 768


def test_a_known_model_of_the_hub_is_known_before_it_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    facts = facts_of("stabilityai/stable-diffusion-xl-base-1.0")
    assert (facts.family.name, facts.native_px) == ("sdxl", 1024)


def test_a_single_file_is_known_by_the_names_of_its_tensors(tmp_path: Path) -> None:
    sd = write_weights(tmp_path / "sd.safetensors", SD)
    xl = write_weights(tmp_path / "xl.safetensors", {**SDXL, "v_pred": ()})
    assert facts_of(str(sd)).family.name == "sd"
    assert facts_of(str(xl)).family.name == "sdxl"
    assert read_shapes(xl) == {**SDXL, "v_pred": ()}


def test_a_damaged_note_or_index_is_no_reason_to_fail(tmp_path: Path) -> None:
    folder(tmp_path / "model", "StableDiffusionPipeline")
    (tmp_path / "model" / "model_index.json").write_text("[")
    (tmp_path / "model" / "mixdiff.json").write_text('{"native_size_px": "large"}')
    assert facts_of("model", tmp_path).native_px == 512
