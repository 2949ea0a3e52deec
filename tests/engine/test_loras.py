"""LoRAs in every family: for the whole picture, for a region, several, switched without a trace."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.contract.errors import JobError
from engine.families.base import Model
from engine.families.loading import load_model, model_of
from engine.runtime.devices import choose_device
from engine.sampling.events import Warned
from engine.sampling.generate import generate
from engine.sampling.inputs import JobInputs
from tests.engine import tiny_flow_models
from tests.engine.conftest import TINY_SD
from tests.engine.runs import canvas, latents, read_job, relative_error, text_region
from tests.engine.tiny_loras import (
    RANK,
    Layer,
    comfy_names,
    kohya_names,
    layers_of,
    merge,
    write,
)
from tests.engine.tiny_models import tiny_sdxl

CPU = choose_device("cpu", "float32")
ATTENTION = r"to_[qkv]$|to_out\.0$"
TEXTS = r"(?:q|v)_proj$|fc1$"
SIDE = 96


def _tiny_sd() -> Any:
    return load_model(str(TINY_SD), CPU)._pipeline


BUILDERS: dict[str, Callable[[], Any]] = {
    "sd": _tiny_sd,
    "sdxl": tiny_sdxl,
    **tiny_flow_models.BUILDERS,
}
WITH_TEXTS = {
    "sd": ("text_encoder",),
    "sdxl": ("text_encoder", "text_encoder_2"),
    "sd3": ("text_encoder", "text_encoder_2"),
    "flux": ("text_encoder",),
}
each_family = pytest.mark.parametrize("family", list(BUILDERS))


class _Built:
    """The small models, built once."""

    def __init__(self) -> None:
        self._models: dict[str, Model] = {}

    def __call__(self, family: str) -> Model:
        if family not in self._models:
            self._models[family] = model_of(BUILDERS[family](), CPU)
        return self._models[family]


@pytest.fixture(scope="module")
def built() -> _Built:
    return _Built()


def network_layers(model: Model, seed: int, names: str = ATTENTION) -> list[Layer]:
    return layers_of(BUILDERS[model.NAME](), (model.family.network,), names, seed)


def merged(family: str, *added: tuple[list[Layer], float]) -> Model:
    """Return a model into whose own weights LoRAs were added."""
    pipeline = BUILDERS[family]()
    for layers, weight in added:
        merge(pipeline, layers, weight)
    return model_of(pipeline, CPU)


def two_regions(*loras: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """Return a job of two regions side by side that touch nowhere, with the LoRAs of each."""
    first, second = loras or ([], [])
    return canvas(
        SIDE,
        2 * SIDE,
        text_region(0, SIDE, 0, SIDE, "a tower", mask_type="constant", loras=first),
        text_region(0, SIDE, SIDE, 2 * SIDE, "a tree", mask_type="constant", loras=second),
        **more,
    )


def left(values: np.ndarray[Any, Any]) -> Any:
    return values[..., : values.shape[-1] // 2]


def right(values: np.ndarray[Any, Any]) -> Any:
    return values[..., values.shape[-1] // 2 :]


@each_family
def test_loras_are_as_if_they_were_in_the_weights(
    family: str, built: _Built, tmp_path: Path
) -> None:
    model = built(family)
    one, two = network_layers(model, 1), network_layers(model, 2)
    files = {
        "a": write(tmp_path / "a.safetensors", one),
        "b": write(tmp_path / "b.safetensors", two),
    }
    plain = latents(two_regions(), model)
    alone = two_regions(loras=[{"lora": "a"}])
    both = two_regions(loras=[{"lora": "a", "weight": 0.7}, {"lora": "b", "weight": -0.4}])
    found = latents(alone, model, loras={"a": files["a"]})
    assert relative_error(found, plain) > 1e-3
    assert relative_error(found, latents(two_regions(), merged(family, (one, 1)))) < 1e-5
    expected = latents(two_regions(), merged(family, (one, 0.7), (two, -0.4)))
    assert relative_error(latents(both, model, loras=files), expected) < 1e-5


@each_family
def test_a_regions_loras_are_its_own_alone(family: str, built: _Built, tmp_path: Path) -> None:
    model = built(family)
    files = {
        name: write(tmp_path / f"{name}.safetensors", network_layers(model, seed))
        for seed, name in enumerate("abc")
    }
    mixed = latents(
        two_regions([{"lora": "a"}], [{"lora": "b", "weight": 0.5}], loras=[{"lora": "c"}]),
        model,
        loras=files,
    )
    alone = [
        latents(two_regions(loras=[{"lora": "c"}, own]), model, loras=files)
        for own in ({"lora": "a"}, {"lora": "b", "weight": 0.5})
    ]
    assert relative_error(left(mixed), left(alone[0])) < 1e-5
    assert relative_error(right(mixed), right(alone[1])) < 1e-5
    assert relative_error(left(mixed), left(alone[1])) > 1e-3


@pytest.mark.parametrize("family", list(WITH_TEXTS))
def test_the_part_for_text_encoders_counts_and_texts_know_their_set(
    family: str, built: _Built, tmp_path: Path
) -> None:
    model = built(family)
    layers = layers_of(BUILDERS[family](), WITH_TEXTS[family], TEXTS, 3)
    layers += network_layers(model, 4)
    files = {"a": write(tmp_path / "a.safetensors", layers)}
    expected = latents(two_regions(), merged(family, (layers, 0.8)))
    plain = latents(two_regions(), model)  # whose texts are kept
    lora = [{"lora": "a", "weight": 0.8}]
    found = latents(two_regions(loras=lora), model, loras=files)
    assert relative_error(found, expected) < 1e-5
    texts_alone = merged(family, (layers[-len(network_layers(model, 4)) :], 0.8))
    assert relative_error(found, latents(two_regions(), texts_alone)) > 1e-4
    mixed = latents(two_regions(lora, []), model, loras=files)
    assert relative_error(left(mixed), left(expected)) < 1e-5
    assert relative_error(right(mixed), right(plain)) < 1e-5


@each_family
def test_what_is_not_used_leaves_no_trace(family: str, built: _Built, tmp_path: Path) -> None:
    model = built(family)
    plain = latents(two_regions(), model)
    files = {"a": write(tmp_path / "a.safetensors", network_layers(model, 1))}
    nothing = [{"lora": "a", "weight": 0}]
    assert np.array_equal(latents(two_regions(loras=nothing), model, loras=files), plain)
    taken_back = two_regions([{"lora": "a", "weight": -1}], [], loras=[{"lora": "a"}])
    mixed = latents(taken_back, model, loras=files)
    assert relative_error(left(mixed), left(plain)) < 1e-5
    assert relative_error(right(mixed), right(plain)) > 1e-3
    assert np.array_equal(latents(two_regions(), model), plain)


@each_family
def test_the_order_of_loras_changes_nothing(family: str, built: _Built, tmp_path: Path) -> None:
    model = built(family)
    files = {
        name: write(tmp_path / f"{name}.safetensors", network_layers(model, seed))
        for seed, name in enumerate("abc")
    }
    listed = [
        {"lora": name, "weight": weight}
        for name, weight in zip("abc", (0.1, 0.2, 0.3), strict=True)
    ]
    one = latents(two_regions(loras=listed), model, loras=files)
    other = latents(two_regions(loras=listed[::-1]), model, loras=dict(reversed(files.items())))
    assert np.array_equal(one, other)


def test_loras_are_loaded_once_for_steps_and_jobs(
    built: _Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, loaded = built("sd"), []
    kind = type(model._pipeline)
    load = kind.load_lora_weights

    def noted(pipeline: Any, path: str, **more: Any) -> Any:
        loaded.append(Path(path).stem)
        return load(pipeline, path, **more)

    monkeypatch.setattr(kind, "load_lora_weights", noted)
    files = {
        name: write(tmp_path / f"{name}.safetensors", network_layers(model, seed))
        for seed, name in enumerate("ab", start=50)
    }
    job = two_regions([{"lora": "a"}], [{"lora": "b"}])
    first = latents(job, model, loras=files)
    assert np.array_equal(latents(job, model, loras=files), first)
    assert sorted(loaded) == ["a", "b"]
    latents(two_regions([{"lora": "a"}], []), model, loras={"a": files["a"]})
    assert len(loaded) == 2
    assert np.array_equal(latents(job, model, loras=files), first)
    assert loaded[2:] == ["b"]


@pytest.mark.parametrize("family", ["sd", "sdxl", "flux"])
def test_a_model_without_loras_has_its_own_layers_again(
    family: str, built: _Built, tmp_path: Path
) -> None:
    model = built(family)
    texts = layers_of(BUILDERS[family](), WITH_TEXTS[family], TEXTS, 2)
    files = {"a": write(tmp_path / "a.safetensors", network_layers(model, 1) + texts)}
    latents(two_regions(loras=[{"lora": "a"}]), model, loras=files)
    parts = (model.family.network, *WITH_TEXTS[family])
    held = {part: getattr(model._pipeline, part).state_dict() for part in parts}
    assert all(any("lora" in name for name in tensors) for tensors in held.values())
    latents(two_regions(), model)
    fresh = BUILDERS[family]()
    for part in parts:
        own = getattr(model._pipeline, part).state_dict()
        expected = getattr(fresh, part).state_dict()
        assert own.keys() == expected.keys()
        assert all(torch.equal(own[name], tensor) for name, tensor in expected.items())


def test_kohyas_layout_of_flux_has_its_attention_in_one(built: _Built, tmp_path: Path) -> None:
    found = network_layers(built("flux"), 3, r"^transformer_blocks\.0\.attn\.to_[qkv]$")
    found.sort(key=lambda layer: "qkv".index(layer[1][-1]))
    down = found[0][2]
    layers = [(part, name, down, up) for part, name, _, up in found]
    stem = "lora_unet_double_blocks_0_img_attn_qkv"
    tensors = {
        f"{stem}.lora_down.weight": down,
        f"{stem}.lora_up.weight": torch.cat([up for *_, up in layers]),
        f"{stem}.alpha": torch.tensor(float(RANK)),
    }
    path = write(tmp_path / "a.safetensors", layers, lambda _: iter(tensors.items()))
    made = latents(two_regions(loras=[{"lora": "a"}]), built("flux"), loras={"a": path})
    assert relative_error(made, latents(two_regions(), merged("flux", (layers, 1)))) < 1e-5


@pytest.mark.parametrize("alpha", [2.0, 1.0])
@pytest.mark.parametrize("family", ["sd", "sdxl"])
def test_kohyas_layout_with_its_alphas(
    family: str, alpha: float, built: _Built, tmp_path: Path
) -> None:
    model = built(family)
    layers = layers_of(BUILDERS[family](), WITH_TEXTS[family], TEXTS, 3)
    layers += network_layers(model, 4, rf"{ATTENTION}|ff\.net|conv1$|proj_in$")
    path = write(tmp_path / "a.safetensors", layers, lambda one: kohya_names(one, alpha))
    found = latents(two_regions(loras=[{"lora": "a"}]), model, loras={"a": path})
    expected = latents(two_regions(), merged(family, (layers, alpha / 2)))
    assert relative_error(found, expected) < 1e-5


@pytest.mark.parametrize("family", ["z_image", "qwen_image", "flux2", "flux2_klein"])
def test_the_layout_of_comfyui(family: str, built: _Built, tmp_path: Path) -> None:
    model = built(family)
    layers = network_layers(model, 4)
    path = write(tmp_path / "a.safetensors", layers, comfy_names)
    found = latents(two_regions(loras=[{"lora": "a"}]), model, loras={"a": path})
    expected = latents(two_regions(), merged(family, (layers, 1)))
    assert relative_error(found, expected) < 1e-5


def test_krea_2_in_its_authors_layout(built: _Built, tmp_path: Path) -> None:
    model = built("krea2")
    layers = network_layers(model, 4, r"^transformer_blocks.*(?:to_[qkv]|to_out\.0|gate)$")
    theirs = {"to_q": "wq", "to_k": "wk", "to_v": "wv", "to_out.0": "wo", "to_gate": "gate"}

    def names(layers: Any) -> Any:
        for name, tensor in comfy_names(layers):
            name = name.replace("transformer_blocks", "blocks").replace(".ff.", ".mlp.")
            for ours, other in theirs.items():
                name = name.replace(f"attn.{ours}.", f"attn.{other}.")
            yield name, tensor

    path = write(tmp_path / "a.safetensors", layers, names)
    found = latents(two_regions(loras=[{"lora": "a"}]), model, loras={"a": path})
    assert relative_error(found, latents(two_regions(), merged("krea2", (layers, 1)))) < 1e-5


def test_diffusers_note_of_the_alpha_counts(built: _Built, tmp_path: Path) -> None:
    model = built("z_image")
    layers = network_layers(model, 4)
    targets = sorted({name.rpartition(".")[2] for _, name, _, _ in layers})
    note = {"transformer.r": 2, "transformer.lora_alpha": 1, "transformer.target_modules": targets}
    path = write(tmp_path / "a.safetensors", layers, lora_adapter_metadata=json.dumps(note))
    found = latents(two_regions(loras=[{"lora": "a"}]), model, loras={"a": path})
    assert relative_error(found, latents(two_regions(), merged("z_image", (layers, 0.5)))) < 1e-5


def test_a_lora_of_other_sizes_is_named_at_its_region_and_leaves_nothing(
    built: _Built, tmp_path: Path
) -> None:
    model = built("sd")
    plain = latents(two_regions(), model)
    fits = write(tmp_path / "fits.safetensors", network_layers(model, 1))
    other = network_layers(built("sdxl"), 1)
    wide = write(tmp_path / "wide.safetensors", other)
    job = read_job(two_regions([], [{"lora": "w"}], loras=[{"lora": "f"}]))
    with pytest.raises(JobError) as caught:
        list(generate(job, model, JobInputs(loras={"f": fits, "w": wide})))
    (problem,) = caught.value.problems
    assert (problem.field, problem.region) == ("regions[1].loras[0].lora", "region 1")
    assert "wide.safetensors" in problem.message
    assert np.array_equal(latents(two_regions(), model), plain)


def test_layers_that_the_model_has_not_are_told(built: _Built, tmp_path: Path) -> None:
    model = built("z_image")
    layers = network_layers(model, 1)
    stranger = [
        (part, name.replace("layers.1", "layers.7"), down, up) for part, name, down, up in layers
    ]
    more = [one for one in stranger if "layers.7" in one[1]]
    path = write(tmp_path / "long.safetensors", [*layers, *more])
    job = read_job(two_regions(loras=[{"lora": "a"}]))
    events = list(generate(job, model, JobInputs(loras={"a": path})))
    (told,) = [event.problem for event in events if isinstance(event, Warned)]
    assert told.field == "loras[0].lora"
    assert f"{len(more)} of its {len(layers) + len(more)} layers" in told.message
