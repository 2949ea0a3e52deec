"""ControlNets of transformers, held to diffusers' own pipelines and to separate runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution

from engine.families.base import Model
from engine.families.control_loading import load_controlnet
from engine.families.loading import model_of
from engine.runtime.devices import choose_device
from tests.engine import tiny_flow_models as tiny
from tests.engine.flow_families import CASES, FlowCase
from tests.engine.runs import canvas, latents, relative_error, text_region
from tests.engine.test_controls import held
from tests.engine.tiny_controls import control, hint_bytes
from tests.engine.tiny_models import scatter

CPU = choose_device("cpu", "float32")
HEIGHT, WIDTH, STEPS = 64, 128, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A family, its small ControlNet and diffusers' pipeline with both."""

    name: str
    net: Callable[[Any], Any]
    pipeline: str
    kind: str = "depth"
    more: Any = None
    """What the pipeline wants to be told beside it."""
    guidance: float = 1.0
    has_share: bool = True
    """Whether the pipeline knows from which step to which a control holds."""

    @property
    def flow(self) -> FlowCase:
        return next(case for case in CASES if case.name == self.name)


def _sd3(transformer: Any, **config: Any) -> Any:
    own = {**plain(transformer.config), "num_layers": 1, "extra_conditioning_channels": 0}
    own |= {"dual_attention_layers": (), **config}
    return made(diffusers.SD3ControlNetModel, own)


def _flux(transformer: Any, **config: Any) -> Any:
    own = {**plain(transformer.config), "num_layers": 1, "num_single_layers": 1, **config}
    return made(diffusers.FluxControlNetModel, own)


def _qwen(transformer: Any) -> Any:
    return made(diffusers.QwenImageControlNetModel, {**plain(transformer.config), "num_layers": 1})


def _z_image(transformer: Any, **config: Any) -> Any:
    sizes = {name: transformer.config[name] for name in ("dim", "n_heads", "n_kv_heads")}
    own = {
        **sizes,
        "n_refiner_layers": transformer.config.n_refiner_layers,
        "control_layers_places": [0, 1],
        "control_refiner_layers_places": [0],
        "control_in_dim": 16,
        **config,
    }
    return made(diffusers.ZImageControlNetModel, own)


def plain(config: Any) -> dict[str, Any]:
    """Return a configuration without its notes."""
    return {name: value for name, value in config.items() if name[0] != "_"}


def made(cls: Any, config: dict[str, Any]) -> Any:
    torch.manual_seed(0)
    net = cls.from_config(config)
    scatter(net)
    return net


SD3 = "StableDiffusion3ControlNetPipeline"
CONTROLLED = {
    "sd3": Case(name="sd3", net=_sd3, pipeline=SD3, guidance=4.5),
    "sd3 without zeros": Case(
        name="sd3",
        net=lambda network: _sd3(network, force_zeros_for_pooled_projection=False),
        pipeline=SD3,
        guidance=4.5,
    ),
    "flux": Case(name="flux", net=_flux, pipeline="FluxControlNetPipeline", guidance=3.5),
    "flux union": Case(
        name="flux",
        net=lambda network: _flux(network, num_mode=10),
        pipeline="FluxControlNetPipeline",
        guidance=3.5,
        kind="edges",
        more={"control_mode": 0},
    ),
    "flux pixels": Case(
        name="flux",
        net=lambda network: _flux(network, conditioning_embedding_channels=16, patch_size=2),
        pipeline="FluxControlNetPipeline",
        guidance=3.5,
    ),
    "qwen_image": Case(name="qwen_image", net=_qwen, pipeline="QwenImageControlNetPipeline"),
    "z_image": Case(
        name="z_image",
        net=_z_image,
        pipeline="ZImageControlNetPipeline",
        guidance=5.0,
        has_share=False,
    ),
    "z_image 2": Case(
        name="z_image",
        net=lambda network: _z_image(network, control_in_dim=33),
        pipeline="ZImageControlNetPipeline",
        guidance=5.0,
        has_share=False,
    ),
}
each_case = pytest.mark.parametrize("case", CONTROLLED.values(), ids=CONTROLLED)


@pytest.fixture(autouse=True)
def _likeliest(monkeypatch: pytest.MonkeyPatch) -> None:
    """diffusers' pipelines draw the pictures' latents; here they are the likeliest ones."""
    monkeypatch.setattr(
        DiagonalGaussianDistribution, "sample", lambda self, generator=None: self.mode()
    )


@pytest.fixture(scope="module")
def built() -> Callable[[Case], tuple[Any, Model, Any]]:
    known: dict[str, tuple[Any, Model]] = {}

    def build(case: Case) -> tuple[Any, Model, Any]:
        if case.name not in known:
            pipeline = case.flow.build()
            known[case.name] = (pipeline, model_of(pipeline, CPU))
        pipeline, model = known[case.name]
        return pipeline, model, model.complete(case.net(model.network).eval())

    return build


def job(case: Case, *controls: Any) -> Any:
    region = text_region(0, HEIGHT, 0, WIDTH, "a tower", guidance_scale=case.guidance)
    return canvas(HEIGHT, WIDTH, region, num_inference_steps=STEPS, controls=list(controls))


@each_case
@pytest.mark.parametrize("settings", [{}, {"scale": 0.4, "start": 0.25, "end": 0.8}])
def test_a_canvas_held_by_one_control_is_as_diffusers_makes_it(
    case: Case, settings: dict[str, Any], built: Any
) -> None:
    pipeline, model, net = built(case)
    if settings and not case.has_share:
        settings = {"scale": 0.4}
    picture = hint_bytes(HEIGHT, WIDTH)
    document = job(case, control(kind=case.kind, **settings))
    found = held(document, model, {"net": net}, {"p": picture})
    expected = theirs(case, pipeline, net, picture, settings)
    assert relative_error(found, expected) < 1e-5
    assert relative_error(found, latents(job(case), model)) > 1e-4


def theirs(case: Case, pipeline: Any, net: Any, picture: Any, settings: dict[str, Any]) -> Any:
    """Return what diffusers' own pipeline makes with a ControlNet, as the canvas holds it."""
    parts = {name: part for name, part in pipeline.components.items() if part is not None}
    controlled = getattr(diffusers, case.pipeline)(**parts, controlnet=net)
    controlled.set_progress_bar_config(disable=True)
    more: dict[str, Any] = {"controlnet_conditioning_scale": settings.get("scale", 1.0)}
    if case.has_share:
        more["control_guidance_start"] = settings.get("start", 0.0)
        more["control_guidance_end"] = settings.get("end", 1.0)
    image = picture.float() / 255 * 2 - 1
    more |= {"control_image": image, "height": HEIGHT, "width": WIDTH, **(case.more or {})}
    return case.flow.theirs(
        controlled,
        case.guidance,
        "",
        prompt="a tower",
        num_inference_steps=STEPS,
        generator=torch.Generator().manual_seed(5),
        **more,
    ).numpy()


@each_case
def test_a_scale_of_0_is_exactly_no_control(case: Case, built: Any) -> None:
    _, model, _ = built(case)
    found = held(job(case, control(kind=case.kind, scale=0)), model, {}, {})
    assert np.array_equal(found, latents(job(case), model))


@each_case
def test_two_controls_add_up_and_each_region_has_its_own(case: Case, built: Any) -> None:
    _, model, net = built(case)
    picture = hint_bytes(HEIGHT, WIDTH)
    one = control(kind=case.kind, scale=0.5)
    halves = job(case, one, one)
    whole = held(job(case, control(kind=case.kind)), model, {"net": net}, {"p": picture})
    assert relative_error(held(halves, model, {"net": net}, {"p": picture}), whole) < 1e-5
    inside = job(case)
    inside["regions"][0]["controls"] = [control(kind=case.kind, area="canvas")]
    assert relative_error(held(inside, model, {"net": net}, {"p": picture}), whole) < 1e-6


def test_a_controlnet_is_loaded_from_a_folder(tmp_path: Path, built: Any) -> None:
    for name, case in CONTROLLED.items():
        _, model, _ = built(case)
        net = case.net(model.network)
        net.save_pretrained(tmp_path / name)
        loaded = load_controlnet(name, tmp_path, model)
        assert type(loaded) is type(net)
        for key, weight in net.state_dict().items():
            assert torch.equal(loaded.state_dict()[key], weight)


def test_a_controlnet_without_positions_of_its_own_takes_the_network_s() -> None:
    pipeline = tiny.sd3()
    model = model_of(pipeline, CPU)
    net = _sd3(pipeline.transformer, use_pos_embed=False)
    assert net.pos_embed is None
    assert model.complete(net).pos_embed is not None
