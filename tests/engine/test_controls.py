"""ControlNets of UNets, held to diffusers' own pipelines and to separate runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

from engine.contract.controlnets import facts_of_controlnet
from engine.contract.errors import EngineError, JobError
from engine.contract.memory import Work
from engine.contract.png import read_job as recorded_job
from engine.families.base import Model
from engine.families.control_loading import load_controlnet
from engine.families.loading import model_of
from engine.families.schedules import build_scheduler
from engine.model_keeper import ModelKeeper
from engine.run import RunRequest, run
from engine.runtime.devices import choose_device
from engine.sampling.controls import ControlInputs
from engine.sampling.events import Generated
from engine.sampling.generate import generate
from engine.sampling.inputs import JobInputs
from engine.sampling.masks import MaskImages
from tests.engine.conftest import TINY_SD
from tests.engine.ldm_checkpoint import controlnet_tensors
from tests.engine.runs import canvas, latents, read_job, relative_error, text_region
from tests.engine.tiny_controls import control, hint_bytes, tiny_controlnet
from tests.engine.tiny_models import scatter, tiny_sdxl

CPU = choose_device("cpu", "float32")
HEIGHT, WIDTH, STEPS, GUIDANCE = 64, 96, 4, 6.0


@pytest.fixture(scope="module")
def sdxl() -> Model:
    return model_of(tiny_sdxl(), CPU)


def held(
    document: Any,
    model: Model,
    nets: Mapping[str, Any],
    pictures: Mapping[str, Tensor],
    masks: MaskImages | None = None,
) -> Any:
    """Run a job with controls, and return its latents."""
    controls = ControlInputs(pictures=pictures, nets=nets)
    job = read_job(document)
    events = generate(job, model, JobInputs(masks=masks or {}, controls=controls))
    (done,) = (event for event in events if isinstance(event, Generated))
    return done.latents.numpy()


def job(*controls: Any, **more: Any) -> Any:
    region = text_region(0, HEIGHT, 0, WIDTH, "a tower", guidance_scale=GUIDANCE)
    settings = {"num_inference_steps": STEPS, "scheduler": "ddim", **more}
    return canvas(HEIGHT, WIDTH, region, controls=list(controls), **settings)


def plain(pipeline: Any, image: Any, **settings: Any) -> Any:
    """Return the latents of diffusers' own pipeline with the same settings."""
    own = {**pipeline.scheduler.config, "_class_name": type(pipeline.scheduler).__name__}
    pipeline.scheduler = build_scheduler(settings.pop("scheduler", "ddim"), own)
    pipeline.set_progress_bar_config(disable=True)
    named = {"control_image" if "control_mode" in settings else "image": image}
    return pipeline(
        "a tower",
        height=HEIGHT,
        width=WIDTH,
        num_inference_steps=STEPS,
        guidance_scale=GUIDANCE,
        generator=torch.Generator().manual_seed(5),
        output_type="latent",
        **named,
        **settings,
    ).images.numpy()


def as_image(picture: Tensor) -> Tensor:
    return picture.float() / 255


def sd_pipeline(tiny: Model, net: Any) -> Any:
    return diffusers.StableDiffusionControlNetPipeline(
        **{
            name: getattr(tiny._pipeline, name)
            for name in ("vae", "text_encoder", "tokenizer", "unet", "scheduler")
        },
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
        controlnet=net,
    )


def sdxl_pipeline(net: Any, *, union: bool = False) -> Any:
    base = tiny_sdxl()
    cls = (
        diffusers.StableDiffusionXLControlNetUnionPipeline
        if union
        else diffusers.StableDiffusionXLControlNetPipeline
    )
    parts = {name: part for name, part in base.components.items() if part is not None}
    return cls(**parts, controlnet=net, add_watermarker=False)


@pytest.mark.parametrize("settings", [{}, {"scale": 0.4}, {"start": 0.25, "end": 0.8}])
def test_a_canvas_held_by_one_control_is_as_diffusers_makes_it(
    settings: dict[str, Any], tiny: Model, sdxl: Model
) -> None:
    picture = hint_bytes(HEIGHT, WIDTH)
    theirs = {
        "controlnet_conditioning_scale": settings.get("scale", 1.0),
        "control_guidance_start": settings.get("start", 0.0),
        "control_guidance_end": settings.get("end", 1.0),
    }
    for model, made in ((tiny, lambda net: sd_pipeline(tiny, net)), (sdxl, sdxl_pipeline)):
        net = tiny_controlnet(model.network)
        found = held(job(control(**settings)), model, {"net": net}, {"p": picture})
        expected = plain(made(net), as_image(picture), **theirs)
        assert relative_error(found, expected) < 1e-5
        assert relative_error(found, latents(job(), model)) > 1e-3


def test_steps_that_a_scheduler_takes_twice_are_counted_as_diffusers_counts_them(
    tiny: Model,
) -> None:
    net, picture = tiny_controlnet(tiny.network), hint_bytes(HEIGHT, WIDTH)
    document = job(control(start=0.3, end=0.7), scheduler="heun")
    theirs = {"control_guidance_start": 0.3, "control_guidance_end": 0.7, "scheduler": "heun"}
    expected = plain(sd_pipeline(tiny, net), as_image(picture), **theirs)
    assert relative_error(held(document, tiny, {"net": net}, {"p": picture}), expected) < 1e-5


def test_several_controls_are_as_diffusers_adds_them(sdxl: Model) -> None:
    nets = {name: tiny_controlnet(sdxl.network, seed) for seed, name in enumerate(("a", "b"))}
    pictures = {name: hint_bytes(HEIGHT, WIDTH, seed) for seed, name in enumerate(("p", "q"))}
    document = job(
        control("p", "depth", "a", scale=0.5), control("q", "edges", "b", scale=0.8, end=0.5)
    )
    expected = plain(
        sdxl_pipeline(list(nets.values())),
        [as_image(picture) for picture in pictures.values()],
        controlnet_conditioning_scale=[0.5, 0.8],
        control_guidance_end=[1.0, 0.5],
    )
    assert relative_error(held(document, sdxl, nets, pictures), expected) < 1e-5


@pytest.mark.parametrize("kinds", [["depth"], ["edges"], ["depth", "normal"]])
def test_a_union_of_controlnets_is_as_diffusers_runs_it(kinds: list[str], sdxl: Model) -> None:
    net = tiny_controlnet(sdxl.network, union=True)
    pictures = {kind: hint_bytes(HEIGHT, WIDTH, seed) for seed, kind in enumerate(kinds)}
    document = job(*(control(kind, kind, scale=0.7) for kind in kinds))
    expected = plain(
        sdxl_pipeline(net, union=True),
        [as_image(picture) for picture in pictures.values()],
        control_mode=[{"depth": 1, "edges": 3, "normal": 4}[kind] for kind in kinds],
        controlnet_conditioning_scale=[0.7] * len(kinds),
    )
    assert relative_error(held(document, sdxl, {"net": net}, pictures), expected) < 1e-5


def test_a_scale_of_0_is_exactly_no_control_and_needs_no_controlnet(tiny: Model) -> None:
    found = held(job(control(scale=0)), tiny, {}, {})
    assert np.array_equal(found, latents(job(), tiny))


def test_each_region_is_held_as_in_a_run_of_its_own(sdxl: Model) -> None:
    """Two regions side by side do not touch: each half is as if it were a canvas alone."""
    net = tiny_controlnet(sdxl.network)
    whole, own = hint_bytes(64, 128), hint_bytes(64, 64, 3)
    left = text_region(0, 64, 0, 64, "sky", mask_type="constant", region_seed=1)
    right = text_region(0, 64, 64, 128, "house", mask_type="constant", region_seed=2)
    right["controls"] = [control("own", scale=0.6)]
    settings = {"num_inference_steps": STEPS, "scheduler": "ddim"}
    # Each half starts from its own region's noise.
    rerolls = [
        {"row_init": 0, "row_end": 64, "col_init": at, "col_end": at + 64, "region_seed": 9 + at}
        for at in (0, 64)
    ]
    document = canvas(
        64, 128, left, right, controls=[control("whole")], reroll_regions=rerolls, **settings
    )
    pictures = {"whole": whole, "own": own}
    found = held(document, sdxl, {"net": net}, pictures)
    for at, region, picture, scale in (
        (0, left, whole[..., :64], 1.0),
        (64, right, own, 0.6),
    ):
        alone = {**region, "col_init": 0, "col_end": 64, "controls": []}
        reroll = {**rerolls[at // 64], "col_init": 0, "col_end": 64}
        document = canvas(
            64, 64, alone, controls=[control(scale=scale)], reroll_regions=[reroll], **settings
        )
        expected = held(document, sdxl, {"net": net}, {"p": picture})
        assert relative_error(found[..., at // 8 : at // 8 + 8], expected) < 1e-5


def test_a_regions_control_stands_in_place_of_the_canvas_s_of_its_kind_alone(tiny: Model) -> None:
    nets = {name: tiny_controlnet(tiny.network, seed) for seed, name in enumerate(("a", "b"))}
    pictures = {name: hint_bytes(HEIGHT, WIDTH, seed) for seed, name in enumerate(("p", "q"))}
    depth, edges = control("p", "depth", "a"), control("q", "edges", "b")
    document = job(depth, edges)
    document["regions"][0]["controls"] = [{**depth, "scale": 0}]
    assert np.array_equal(
        held(document, tiny, nets, pictures), held(job(edges), tiny, nets, pictures)
    )


def test_windows_of_a_large_region_see_their_part_of_the_picture(tiny: Model) -> None:
    net, seen = tiny_controlnet(tiny.network), []
    net.register_forward_pre_hook(
        lambda module, inputs, named: seen.append(named["controlnet_cond"]), with_kwargs=True
    )
    picture = hint_bytes(64, 160)
    region = text_region(0, 64, 0, 160, "sky", guidance_scale=1)
    document = canvas(
        64, 160, region, controls=[control()], max_region_px=96, num_inference_steps=1
    )
    held(document, tiny, {"net": net}, {"p": picture})
    parts = [one for hints in seen for one in hints]
    places = {0, 64}
    assert {
        left
        for part in parts
        for left in range(0, 65, 8)
        if torch.allclose(part, as_image(picture)[0, :, :, left : left + 96], atol=1e-6)
    } >= places
    assert all(part.shape == (3, 64, 96) for part in parts)


def test_masks_and_controls_do_not_change_each_other(tiny: Model) -> None:
    """A step mixes cell by cell: each half is what its region alone has there, held as it is."""
    net, picture = tiny_controlnet(tiny.network), hint_bytes(HEIGHT, WIDTH)
    first = text_region(0, HEIGHT, 0, WIDTH, "a tower", mask_type="constant")
    second = {**first, "prompt": "fog", "controls": [control("p", scale=0.3)]}
    settings = {"controls": [control()], "num_inference_steps": 1, "scheduler": "ddim"}
    inputs = (tiny, {"net": net}, {"p": picture})
    left = np.zeros((HEIGHT, WIDTH), dtype=np.float32)
    left[:, : WIDTH // 2] = 1
    document = canvas(
        HEIGHT, WIDTH, {**first, "mask": "left"}, {**second, "mask": "right"}, **settings
    )
    found = held(document, *inputs, {"left": left, "right": 1 - left})
    for region, half in ((first, np.s_[..., : WIDTH // 16]), (second, np.s_[..., WIDTH // 16 :])):
        alone = held(canvas(HEIGHT, WIDTH, region, **settings), *inputs)
        assert relative_error(found[half], alone[half]) < 1e-5
        free = canvas(HEIGHT, WIDTH, {**region, "controls": []}, **{**settings, "controls": []})
        assert relative_error(found[half], held(free, *inputs)[half]) > 1e-3


def test_a_controlnet_is_loaded_from_a_folder_and_from_its_weights_alone(
    tiny: Model, sdxl: Model, tmp_path: Path
) -> None:
    for model, union in ((tiny, False), (sdxl, False), (sdxl, True)):
        folder = tmp_path / f"{model.NAME}-{union}"
        net = tiny_controlnet(model.network, union=union)
        net.save_pretrained(folder)
        beside = folder / "diffusion_pytorch_model.safetensors"
        alone = tmp_path / f"{folder.name}.safetensors"  # a union does not say how many heads
        alone.write_bytes(beside.read_bytes())
        for path in (folder, beside, *([] if union else [alone])):
            loaded = load_controlnet(str(path), tmp_path, model)
            assert type(loaded) is type(net)
            for name, weight in net.state_dict().items():
                assert torch.equal(loaded.state_dict()[name], weight)


@pytest.mark.parametrize("start", ["control_model.", ""])
def test_a_controlnet_in_the_first_layout_is_loaded(
    start: str, tiny: Model, tmp_path: Path
) -> None:
    net = diffusers.ControlNetModel.from_unet(tiny.network, load_weights_from_unet=False)
    scatter(net)
    save_file(controlnet_tensors(net, start), tmp_path / "first.safetensors")
    facts = facts_of_controlnet("first.safetensors", tmp_path)
    assert (facts.family, facts.width) == ("sd", tiny.network.config.cross_attention_dim)
    loaded = load_controlnet("first.safetensors", tmp_path, tiny)
    for name, weight in net.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], weight)


def test_what_is_no_controlnet_for_the_model_is_named(
    tiny: Model, sdxl: Model, tmp_path: Path
) -> None:
    other = tiny_controlnet(sdxl.network)
    other.save_pretrained(tmp_path / "xl")
    (tmp_path / "empty").mkdir()
    for name, said in (
        (str(TINY_SD), "no ControlNet that is run here"),
        ("empty", "a folder without config.json"),
        ("nothing", "there is no folder or file"),
        ("somebody/net", "is not on this computer"),
        ("xl", "was made for another model"),
    ):
        with pytest.raises(EngineError, match=said) as caught:
            load_controlnet(name, tmp_path, tiny)
        assert caught.value.advice


def test_a_job_with_controls_repeats_itself_from_its_png(tmp_path: Path) -> None:
    """Files of pictures and ControlNets are seen from the result's own folder."""
    keeper = ModelKeeper(device=CPU)
    model = keeper.model(str(TINY_SD), tmp_path, Work.of_square(1024))
    (tmp_path / "in").mkdir()
    tiny_controlnet(model.network).save_pretrained(tmp_path / "in" / "net")
    pixels = hint_bytes(HEIGHT, WIDTH)[0].permute(1, 2, 0).numpy()
    Image.fromarray(pixels).save(tmp_path / "in" / "p.png")
    document = job(control("p.png", scale=0.7, end=0.5), model=str(TINY_SD), seed=3)
    document["regions"][0]["controls"] = [control("p.png", "edges", scale=0.2)]
    first, again = tmp_path / "out" / "first.png", tmp_path / "again.png"
    first.parent.mkdir()
    list(run(RunRequest(document=document, folder=tmp_path / "in", output=first), keeper))
    recorded = recorded_job(first)
    assert recorded["controls"][0]["model"] == "../in/net"
    assert recorded["regions"][0]["controls"][0]["image"] == "../in/p.png"
    list(run(RunRequest(document=recorded, folder=first.parent, output=again), keeper))
    assert (np.asarray(Image.open(first)) == np.asarray(Image.open(again))).all()
    document["controls"], document["regions"][0]["controls"] = [], []
    list(run(RunRequest(document=document, folder=tmp_path / "in", output=again), keeper))
    assert (np.asarray(Image.open(first)) != np.asarray(Image.open(again))).any()


def test_a_control_picture_that_is_not_there_is_said(tmp_path: Path) -> None:
    document = job(control("nothing.png"), model=str(TINY_SD))
    request = RunRequest(document=document, folder=tmp_path, output=tmp_path / "out.png")
    with pytest.raises(JobError, match="there is no file 'nothing"):
        list(run(request, ModelKeeper(device=CPU)))


def test_a_controlnet_that_is_not_here_is_said_before_the_model_is_loaded(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((HEIGHT, WIDTH, 3), np.uint8)).save(tmp_path / "p.png")
    document = job(control("p.png", model="somebody/net"), model=str(TINY_SD))
    request = RunRequest(document=document, folder=tmp_path, output=tmp_path / "out.png")
    events = run(request, ModelKeeper(device=CPU))
    with pytest.raises(EngineError, match="somebody/net is not on this computer"):
        next(events)


def test_a_large_picture_is_held_to_part_by_part_as_it_would_be_whole(
    tiny: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    nets, pictures = {"net": tiny_controlnet(tiny.network)}, {"p": hint_bytes(40, 72)}
    document = canvas(
        64,
        160,
        text_region(0, 64, 0, 160, "a tower", guidance_scale=GUIDANCE),
        controls=[control()],
        max_region_px=64,
    )
    whole = held(document, tiny, nets, pictures)
    monkeypatch.setattr("engine.runtime.controls._WHOLE_PX", 0)
    assert relative_error(held(document, tiny, nets, pictures), whole) < 1e-5
