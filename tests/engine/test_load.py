"""Models by name, and what is said of those that cannot be loaded."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch

from engine.contract.catalogue import BUNDLED_FOLDER
from engine.contract.errors import EngineError
from engine.contract.memory import Machine, Way
from engine.families import loading
from engine.families.base import Model
from engine.families.loading import load_model, model_of, resolve
from engine.runtime.devices import choose_device
from tests.contract.machines import machine
from tests.contract.model_files import copy_model
from tests.engine.conftest import TINY_SD
from tests.engine.ldm_checkpoint import write_checkpoint
from tests.engine.runs import canvas, latents, placed, relative_error, text_region

CPU = choose_device("cpu", "float32")
JOB = canvas(64, 96, text_region(0, 64, 0, 96, "a tower"), scheduler="ddim")


@pytest.fixture(scope="module")
def checkpoint_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoint")
    pipeline = diffusers.StableDiffusionPipeline.from_pretrained(
        TINY_SD, safety_checker=None, requires_safety_checker=False
    )
    write_checkpoint(pipeline, folder / "tiny.safetensors")
    return folder


def test_a_single_checkpoint_file_paints_what_the_folder_paints(
    checkpoint_folder: Path, tiny: Model
) -> None:
    config = checkpoint_folder / "tiny"
    ignored = shutil.ignore_patterns("*.safetensors")
    shutil.copytree(TINY_SD, config, ignore=ignored)
    loaded = load_model(str(checkpoint_folder / "tiny.safetensors"), CPU)
    assert relative_error(latents(JOB, loaded), latents(JOB, tiny)) < 1e-5


def test_a_v_prediction_model_keeps_its_prediction_type(tmp_path: Path, tiny: Model) -> None:
    folder = tmp_path / "v"
    shutil.copytree(TINY_SD, folder)
    config = folder / "scheduler" / "scheduler_config.json"
    settings = json.loads(config.read_text())
    config.write_text(json.dumps({**settings, "prediction_type": "v_prediction"}))
    loaded = load_model(str(folder), CPU)
    found = latents(JOB, loaded)
    plain = diffusers.StableDiffusionPipeline.from_pretrained(
        folder, safety_checker=None, requires_safety_checker=False
    )
    plain.scheduler = diffusers.DDIMScheduler.from_config(plain.scheduler.config)
    assert plain.scheduler.config.prediction_type == "v_prediction"
    expected = plain(
        "a tower",
        height=64,
        width=96,
        num_inference_steps=3,
        guidance_scale=7.5,
        generator=torch.Generator().manual_seed(5),
        output_type="latent",
    ).images
    assert relative_error(found, expected.numpy()) < 1e-5
    assert relative_error(found, latents(JOB, tiny)) > 0.1


def test_no_name_and_bundled_mean_the_model_in_the_box() -> None:
    assert resolve(None, Path()) == resolve("bundled", Path()) == str(BUNDLED_FOLDER)


def test_a_relative_path_starts_at_the_jobs_folder(tmp_path: Path) -> None:
    shutil.copytree(TINY_SD, tmp_path / "models" / "mine")
    assert resolve("models/mine", tmp_path) == str((tmp_path / "models" / "mine").resolve())


def test_a_hub_id_that_is_not_here_says_how_to_fetch_it(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="not on this computer") as caught:
        resolve("owner/name", tmp_path)
    assert "download owner/name" in caught.value.advice


def test_a_path_may_start_at_the_home_and_be_one_of_windows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    mine = tmp_path / "models" / "mine"
    shutil.copytree(TINY_SD, mine)
    assert resolve("~/models/mine", Path("/nowhere")) == str(mine.resolve())
    assert resolve("models\\mine", tmp_path) == str(mine.resolve())


def test_an_address_is_not_fetched(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="nothing is fetched") as caught:
        resolve("https://example.org/model.safetensors", tmp_path)
    assert "download the file yourself" in caught.value.advice


@pytest.mark.parametrize("name", ["nothing", "./a/b", "a/b/c", "owner/model.safetensors"])
def test_a_name_that_is_nothing_says_what_could_be_given(name: str, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="no folder or file") as caught:
        resolve(name, tmp_path)
    assert caught.value.kind == "model"
    assert "owner/name" in caught.value.advice


@pytest.mark.parametrize("suffix", [".ckpt", ".bin", ".PT"])
def test_pickled_checkpoints_are_refused_unread(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"model{suffix}"
    path.write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    with pytest.raises(EngineError, match=f"model{suffix} is a pickle"):
        load_model(str(path), CPU)


def test_a_folder_of_pickled_weights_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "pickled"
    shutil.copytree(TINY_SD, folder)
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    weights.rename(weights.with_suffix(".bin"))
    with pytest.raises(EngineError, match=r"unet has its weights as a pickle") as caught:
        load_model(str(folder), CPU)
    assert "safetensors" in caught.value.advice


@pytest.mark.parametrize("broken", ["empty", "truncated", "no weights"])
def test_a_broken_model_is_one_clear_error(broken: str, tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    if broken != "empty":
        shutil.copytree(TINY_SD, folder, dirs_exist_ok=True)
        weights = folder / "vae" / "diffusion_pytorch_model.safetensors"
        if broken == "truncated":
            weights.write_bytes(weights.read_bytes()[:1000])
        else:
            weights.unlink()
    with pytest.raises(EngineError, match=r"model: .*broken") as caught:
        load_model(str(folder), CPU)
    assert caught.value.kind == "model"
    assert caught.value.advice


@pytest.mark.parametrize(
    ("file", "settings"),
    [
        ("unet/config.json", {"block_out_channels": "many"}),
        ("text_encoder/config.json", {"hidden_act": 3}),
        ("scheduler/scheduler_config.json", {"trained_betas": "x"}),
    ],
)
def test_settings_that_no_part_can_have_name_the_part(
    file: str, settings: dict[str, Any], tmp_path: Path
) -> None:
    folder = copy_model(tmp_path / "model", **{file.removesuffix(".json"): settings})
    with pytest.raises(EngineError, match=re.escape(str((folder / file).parent))) as caught:
        load_model(str(folder), CPU)
    assert caught.value.kind == "model"
    assert "download the model again" in caught.value.advice


@pytest.fixture
def pipeline() -> Any:
    return diffusers.StableDiffusionPipeline.from_pretrained(
        TINY_SD, safety_checker=None, requires_safety_checker=False
    )


def refuse_the_first_move(module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a module not fit onto the device; it may go back to the CPU."""
    move, refused = module.to, list[Any]()

    def limited(*arguments: Any, **named: Any) -> Any:
        if arguments and not refused:
            refused.append(arguments)
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        return move(*arguments, **named)

    monkeypatch.setattr(module, "to", limited)


def visiting(module: Any) -> int:
    return sum(hasattr(inner, "_diffusers_hook") for inner in module.modules())


@pytest.fixture
def small_card(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A card with room for a picture of 512 × 512 and little more, though all runs on the CPU."""
    card = replace(machine(8, kind="cuda"), dtype="float32")
    monkeypatch.setattr(loading, "machine_of", lambda _: card)
    return card


@pytest.mark.usefixtures("small_card")
def test_a_network_that_does_not_fit_after_all_is_placed_more_frugally_and_paints_the_same(
    pipeline: Any, tiny: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_the_first_move(pipeline.unet, monkeypatch)
    model = model_of(pipeline, CPU)
    assert relative_error(latents(JOB, model), latents(JOB, tiny)) < 1e-6


@pytest.mark.parametrize("network", ["stays", "visits"])
def test_parts_that_visit_layer_by_layer_paint_the_same(
    network: Way, pipeline: Any, tiny: Model
) -> None:
    model = model_of(pipeline, CPU, placed(network, "visits"))
    assert visiting(pipeline.text_encoder) > 5
    assert (visiting(pipeline.unet) > 50) == (network == "visits")
    assert relative_error(latents(JOB, model), latents(JOB, tiny)) < 1e-6


def test_a_network_in_floats_of_8_bits_is_half_as_large_and_paints_nearly_the_same(
    pipeline: Any, tiny: Model
) -> None:
    def size(module: torch.nn.Module) -> int:
        return sum(p.nbytes for p in module.parameters())

    whole = size(pipeline.unet)
    model = model_of(pipeline, CPU, placed("stays", "stays", is_small=True))
    assert size(pipeline.unet) < 0.4 * whole  # of float32
    assert 0 < relative_error(latents(JOB, model), latents(JOB, tiny)) < 0.1
    both = model_of(pipeline, CPU, placed("visits", "visits", is_small=True))
    assert relative_error(latents(JOB, both), latents(JOB, model)) < 1e-6


def test_a_model_that_does_not_fit_at_all_is_a_shortage_of_memory(
    pipeline: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*arguments: Any, **named: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    monkeypatch.setattr(pipeline.text_encoder, "to", refused)
    monkeypatch.setattr("engine.families.loading._load_pipeline", lambda *_: pipeline)
    with pytest.raises(EngineError, match="does not fit") as caught:
        load_model(str(TINY_SD), CPU)
    assert caught.value.kind == "memory"


def test_a_single_file_is_loaded_in_the_wanted_precision_but_for_its_autoencoder(
    checkpoint_folder: Path, tiny: Model
) -> None:
    file = str(checkpoint_folder / "tiny.safetensors")
    model: Any = load_model(file, choose_device("cpu", "bfloat16"))
    assert model._network.dtype == torch.bfloat16
    codec: Any = tiny.codec
    expected = dict(codec._vae.state_dict())
    for name, value in model.codec._vae.state_dict().items():
        assert torch.equal(value, expected[name])


def test_bfloat16_stays_near_float32(tiny: Model) -> None:
    halved = load_model(str(TINY_SD), choose_device("cpu", "bfloat16"))
    found = latents(JOB, halved)
    assert found.dtype == np.float32
    assert 0 < relative_error(found, latents(JOB, tiny)) < 0.05
