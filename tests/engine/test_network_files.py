"""Networks in files of their own, in the layouts of the field, with the rest of a model around."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy.typing as npt
import pytest
import torch
from safetensors.torch import load_file

from engine.contract.errors import ModelError
from engine.contract.models import facts_of, require_model
from engine.families.loading import load_model, model_of
from engine.runtime.devices import choose_device
from tests.engine import network_layouts as layouts
from tests.engine import tiny_flow_models
from tests.engine.ldm_checkpoint import write_checkpoint
from tests.engine.network_layouts import LAYOUTS, Tensors
from tests.engine.runs import canvas, latents, relative_error, text_region
from tests.engine.tiny_models import tiny_sdxl

CPU = choose_device("cpu", "float32")
OF_DIFFUSERS = ("flux", "sd3", "z_image", "flux2_klein", "qwen_image", "krea2")
Change = Callable[[Tensors], Tensors]


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No network at all, and a cache of its own."""

    def refused(*_: Any) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def make(family: str) -> Any:
    return tiny_sdxl() if family == "sdxl" else getattr(tiny_flow_models, family)()


def write_rest(pipeline: Any, folder: Path) -> Path:
    """Write a model without the weights of its network."""
    pipeline.save_pretrained(folder)
    name = "unet" if (folder / "unet").exists() else "transformer"
    for weights in (folder / name).glob("*.safetensors"):
        weights.unlink()
    return folder


def in_cache(cache: Path, id_: str, folder: Path) -> None:
    shutil.copytree(folder, cache / f"models--{id_.replace('/', '--')}" / "snapshots" / "abc")


def run(model: Any) -> npt.NDArray[Any]:
    region = text_region(0, 64, 0, 64, "a tower", guidance_scale=3)
    return latents(canvas(64, 64, region, num_inference_steps=2), model)


def expected(family: str) -> npt.NDArray[Any]:
    return run(model_of(make(family), CPU))


@pytest.mark.parametrize("family", OF_DIFFUSERS)
def test_a_network_of_diffusers_runs_with_the_rest_beside_it(family: str, tmp_path: Path) -> None:
    pipeline = make(family)
    write_rest(pipeline, tmp_path / "net")
    layouts.write(tmp_path / "net.safetensors", pipeline.transformer.state_dict())
    assert facts_of("net.safetensors", tmp_path).family.name == family
    model = load_model(str(tmp_path / "net.safetensors"), CPU)
    assert relative_error(run(model), expected(family)) < 1e-5


@pytest.mark.parametrize("change", [dict, layouts.all_in_one])
@pytest.mark.parametrize("family", LAYOUTS)
def test_a_network_as_its_makers_write_it_is_read(
    family: str, change: Change, tmp_path: Path
) -> None:
    pipeline = make(family)
    write_rest(pipeline, tmp_path / "net")
    path = tmp_path / "net.safetensors"
    layouts.write(path, change(LAYOUTS[family](pipeline.transformer.state_dict())))
    assert relative_error(run(load_model(str(path), CPU)), expected(family)) < 1e-5


@pytest.mark.parametrize(
    "change", [layouts.in_float8, layouts.matrices_in_float8, layouts.in_scaled_float8]
)
@pytest.mark.parametrize("family", LAYOUTS)
def test_8_bit_floats_are_read_as_the_numbers_that_they_stand_for(
    family: str, change: Change, tmp_path: Path
) -> None:
    pipeline = make(family)
    write_rest(pipeline, tmp_path / "net")
    path = tmp_path / "net.safetensors"
    written = change(LAYOUTS[family](pipeline.transformer.state_dict()))
    layouts.write(path, written)
    found = run(load_model(str(path), CPU))
    layouts.write(path, layouts.as_read(written))
    assert relative_error(found, run(load_model(str(path), CPU))) < 1e-5
    assert relative_error(found, expected(family)) > 1e-3


@pytest.mark.parametrize(
    ("family", "kind"),
    [*((family, "Q8_0") for family in LAYOUTS), ("qwen_image", "Q4_0"), ("z_image", "BF16")],
)
def test_gguf_is_read_as_the_numbers_that_stand_in_it(
    family: str, kind: str, tmp_path: Path
) -> None:
    pipeline = make(family)
    write_rest(pipeline, tmp_path / "net")
    first = LAYOUTS[family](pipeline.transformer.state_dict())
    layouts.write_gguf(tmp_path / "net.gguf", first, kind)
    model: Any = load_model(str(tmp_path / "net.gguf"), CPU)
    found = run(model)
    layouts.write(tmp_path / "net.safetensors", layouts.quantized(first, kind))
    # Scales are multiplied in half precision there.
    assert relative_error(found, run(load_model(str(tmp_path / "net.safetensors"), CPU))) < 5e-3
    kinds = {p.dtype for p in model._network.parameters()}
    assert torch.uint8 in kinds, "weights stay small"


def test_float8_stays_small() -> None:
    from engine.families.network_files import _storage_of

    network = make("qwen_image").transformer.state_dict()
    assert _storage_of(layouts.in_float8(network)) == torch.float8_e4m3fn
    for other in (dict, layouts.matrices_in_float8, layouts.in_scaled_float8):
        assert _storage_of(other(network)) is None


@pytest.mark.parametrize("first_layout", [True, False])
def test_a_unet_alone_runs_with_the_rest_beside_it(first_layout: bool, tmp_path: Path) -> None:
    pipeline = tiny_sdxl()
    write_rest(pipeline, tmp_path / "net")
    network = pipeline.unet.state_dict()
    if first_layout:
        write_checkpoint(pipeline, tmp_path / "whole.safetensors")
        whole = load_file(tmp_path / "whole.safetensors")
        prefix = "model.diffusion_model."
        network = {n.removeprefix(prefix): t for n, t in whole.items() if n.startswith(prefix)}
    layouts.write(tmp_path / "net.safetensors", network)
    assert facts_of("net.safetensors", tmp_path).family.name == "sdxl"
    assert (
        relative_error(run(load_model(str(tmp_path / "net.safetensors"), CPU)), expected("sdxl"))
        < 1e-5
    )


def test_the_rest_comes_from_the_cache_of_what_is_called_most_alike(
    offline: Path, tmp_path: Path
) -> None:
    turbo, base = tiny_flow_models.z_image(3.0), tiny_flow_models.z_image(6.0)
    for id_, pipeline in (("Tongyi-MAI/Z-Image-Turbo", turbo), ("Tongyi-MAI/Z-Image", base)):
        in_cache(offline, id_, write_rest(pipeline, tmp_path / id_))
    in_cache(offline, "other/flux", write_rest(make("flux"), tmp_path / "flux"))
    for name, shift in (("z_image_turbo_bf16", 3.0), ("z-image-Q8", 6.0)):
        path = tmp_path / f"{name}.safetensors"
        layouts.write(path, base.transformer.state_dict())
        model: Any = load_model(str(path), CPU)
        assert model._pipeline.scheduler.config.shift == shift
        assert facts_of(str(path)).num_inference_steps == (9 if shift == 3.0 else 30)


def test_a_network_without_any_rest_says_what_to_download(tmp_path: Path) -> None:
    for family, name, id_ in (
        ("z_image", "z_image_turbo", "Tongyi-MAI/Z-Image-Turbo"),
        ("flux2_klein", "flux-2-klein-base-4b", "black-forest-labs/FLUX.2-klein-base-4B"),
        ("krea2", "krea2_raw", "krea/Krea-2-Raw"),
    ):
        path = tmp_path / f"{name}.safetensors"
        layouts.write(path, make(family).transformer.state_dict())
        with pytest.raises(ModelError, match="alone") as caught:
            require_model(str(path), tmp_path)
        assert f"what it lacks, of {id_}:" in caught.value.advice
        assert f"or lay a folder called {name} beside it" in caught.value.advice
        assert facts_of(str(path)).family.name == family


def test_a_rest_of_another_size_is_none(offline: Path, tmp_path: Path) -> None:
    pipeline = make("qwen_image")
    layouts.write(tmp_path / "net.safetensors", pipeline.transformer.state_dict())
    rest = write_rest(pipeline, tmp_path / "other")
    config = rest / "transformer/config.json"
    config.write_text(
        config.read_text().replace('"joint_attention_dim": 16', '"joint_attention_dim": 8')
    )
    in_cache(offline, "some/one", rest)
    with pytest.raises(ModelError, match="no model that its text encoders"):
        require_model("net.safetensors", tmp_path)
    rest.rename(tmp_path / "net")
    with pytest.raises(ModelError, match="no network for the model in the folder net"):
        require_model("net.safetensors", tmp_path)


def test_what_is_not_whole_or_in_another_form_is_named(tmp_path: Path) -> None:
    pipeline = make("qwen_image")
    write_rest(pipeline, tmp_path / "net")
    path, tensors = tmp_path / "net.safetensors", dict(pipeline.transformer.state_dict())
    first = next(name for name in tensors if name.endswith("img_mod.1.weight"))
    layouts.write(path, {n: t for n, t in tensors.items() if n != "img_in.weight"})
    with pytest.raises(ModelError, match="lacks tensors of its network"):
        load_model(str(path), CPU)
    layouts.write(path, {**tensors, first: torch.zeros(tensors[first].shape, dtype=torch.uint8)})
    with pytest.raises(ModelError, match="as uint8, a form of weights that is not read"):
        load_model(str(path), CPU)
    layouts.write(path, {**tensors, first: torch.zeros(2, 2)})
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_model(str(path), CPU)
    with (tmp_path / "net.gguf").open("wb") as file:
        layouts.write_gguf(tmp_path / "whole.gguf", tensors)
        file.write((tmp_path / "whole.gguf").read_bytes()[:-100])
    with pytest.raises(ModelError, match="cut off"):
        require_model("net.gguf", tmp_path)


def test_a_network_with_other_layers_than_the_rests_has_its_own(tmp_path: Path) -> None:
    other = tiny_flow_models.flux(dev=False)
    write_rest(tiny_flow_models.flux(), tmp_path / "net")
    layouts.write(tmp_path / "net.safetensors", other.transformer.state_dict())
    model: Any = load_model(str(tmp_path / "net.safetensors"), CPU)
    assert not model._network.config.guidance_embeds
    assert facts_of("net.safetensors", tmp_path).num_inference_steps == 4
