"""A second pass: a picture enlarged, noise for what does not stay, the end of the way alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

import engine.sampling.generate as generating
from engine.cli import build_parser, main
from engine.contract.enlarging import enlarged
from engine.contract.errors import JobError
from engine.contract.geometry import Axes
from engine.contract.job import Job
from engine.contract.models import facts_of
from engine.contract.png import read_job as read_job_of
from engine.contract.schedulers import FLOW_SCHEDULERS, SCHEDULERS
from engine.earlier import enlarged_source, part_anew
from engine.families.base import Model
from engine.families.loading import model_of
from engine.families.schedules import Schedule, build_scheduler
from engine.model_keeper import ModelKeeper
from engine.run import RunRequest, run
from engine.runtime.batching import Prediction, RegionWindow
from engine.runtime.devices import choose_device
from engine.runtime.references import EnlargedReference, picture_bytes
from engine.runtime.windows import Window
from engine.sampling.events import Generated
from engine.sampling.generate import generate
from engine.sampling.inputs import JobInputs
from engine.sampling.masks import canvas_weights
from engine.sampling.noise import Noise, starting_noise
from engine.sampling.region_windows import region_windows
from engine.sampling.sampler import sample
from engine.sampling.second_pass import schedule_of
from tests.engine.conftest import TINY_SD
from tests.engine.flow_families import CASES, FlowCase
from tests.engine.runs import canvas, read_job, relative_error, text_region

CPU = torch.device("cpu")
SETTINGS = {"height": 64, "width": 96, "guidance_scale": 7.5}


def photo(height: int, width: int) -> Image.Image:
    values = np.random.default_rng(0).integers(0, 256, (height // 8, width // 8, 3), np.uint8)
    return Image.fromarray(values).resize((width, height), Image.Resampling.BICUBIC)


def second_pass(strength: float, *, scheduler: str | None = "ddim", steps: int = 3) -> Job:
    """Return a second pass of one region over 64 × 96 pixels."""
    return read_job(
        canvas(
            64,
            96,
            text_region(0, 64, 0, 96, "a tower", mask_type="constant", guidance_scale=7.5),
            scheduler=scheduler,
            num_inference_steps=steps,
            second_pass={"picture": "first.png", "strength": strength},
        )
    )


def made_by(model: Model, job: Job, picture: Image.Image) -> Tensor:
    events = generate(job, model, JobInputs(first=picture_bytes(picture)))
    (done,) = (event for event in events if isinstance(event, Generated))
    return done.latents


# --- Against diffusers' own -----------------------------------------------------------------------


@pytest.mark.parametrize("scheduler", ["ddim", "euler", "dpmpp_2m", "unipc", "heun"])
def test_one_region_over_all_is_diffusers_own_pipeline(
    scheduler: str, tiny: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    latents = torch.randn((1, 4, 8, 12), generator=torch.Generator().manual_seed(1))
    monkeypatch.setattr(generating, "enlarged_latents", lambda *_, **__: latents)
    job = second_pass(0.4, scheduler=scheduler)
    ours = made_by(tiny, job, photo(64, 96))
    steps = schedule_of(job, tiny)._steps  # of the whole way

    pipeline: Any = diffusers.StableDiffusionImg2ImgPipeline.from_pretrained(
        TINY_SD, safety_checker=None, requires_safety_checker=False
    )
    pipeline.set_progress_bar_config(disable=True)
    pipeline.scheduler = build_scheduler(scheduler, pipeline.scheduler.config)
    theirs = pipeline(
        "a tower",
        image=latents,
        strength=(job.num_inference_steps + 0.01) / steps,
        num_inference_steps=steps,
        guidance_scale=7.5,
        generator=torch.Generator().manual_seed(5),
        output_type="latent",
    ).images
    assert relative_error(ours.numpy(), theirs.numpy()) < 2e-5


# --- The way, and where it begins -----------------------------------------------------------------


class Knowing:
    """A plan that knows the picture, and predicts what leads to it."""

    def __init__(self, picture: Tensor, schedule: Schedule) -> None:
        self._picture, self._schedule, self._index = picture, schedule, 0

    def predict(self, model_input: Tensor, t: Tensor, elapsed: object = None) -> Iterator[Any]:
        level = self._schedule.level(self._index)
        self._index += 1
        noise = (model_input - level.picture * self._picture) / level.noise
        of_picture, of_noise = level.predicted
        yield Prediction(window=0, value=of_picture * self._picture + of_noise * noise)


def arrived(schedule: Schedule) -> tuple[Tensor, Tensor]:
    """Return a picture, and what a way ends at from it where the network knows the picture."""
    draw = torch.Generator().manual_seed(3)
    picture, noise = (torch.randn((1, 4, 8, 8), generator=draw) for _ in range(2))
    whole = Window(top=0, bottom=8, left=0, right=8)
    windows = [RegionWindow(region=0, window=whole, weights=torch.ones(8, 8).double())]
    *_, last = sample(
        noise,
        windows,
        [],
        plan=Knowing(picture, schedule),
        schedule=schedule,
        generator=draw,
        picture=picture,
    )
    return picture, last


@pytest.mark.parametrize("strength", [0.0, 0.4, 0.65, 0.95])
@pytest.mark.parametrize("scheduler", [None, *SCHEDULERS])
def test_a_network_that_knows_the_picture_leads_back_to_it(
    scheduler: str | None, strength: float, tiny: Model
) -> None:
    job = second_pass(strength, scheduler=scheduler, steps=4)
    schedule = schedule_of(job, tiny)
    share = schedule.timesteps[0].item() / 1000
    assert share <= 1 - strength
    least = 4 if scheduler not in ("lcm", "tcd") or strength < 0.9 else 1
    assert len(schedule.timesteps) >= least
    picture, last = arrived(schedule)
    # The last of these levels is the picture at a little noise, as where training began.
    assert relative_error(last.numpy(), picture.numpy()) < 0.05


@pytest.mark.parametrize("scheduler", [None, *FLOW_SCHEDULERS])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label or case.name)
def test_each_flow_family_begins_at_the_level_that_is_asked_for(
    case: FlowCase, scheduler: str | None
) -> None:
    model = _built(case)
    schedule = schedule_of(second_pass(0.6, scheduler=scheduler, steps=4), model)
    assert len(schedule.timesteps) == 4
    assert 0.2 < schedule.level(0).noise < 0.41
    assert schedule.level(0).timestep == schedule.timesteps[0]


@cache
def _built(case: FlowCase) -> Model:
    return model_of(case.build(), choose_device("cpu", "float32"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label or case.name)
def test_each_flow_family_keeps_what_stays(case: FlowCase, monkeypatch: pytest.MonkeyPatch) -> None:
    model = _built(case)
    shape = (1, model.channels, 64 // model.stride_px, 96 // model.stride_px)
    latents = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    monkeypatch.setattr(generating, "enlarged_latents", lambda *_, **__: latents)
    near, far = (
        made_by(model, second_pass(strength, scheduler=None, steps=2), photo(64, 96)) - latents
        for strength in (0.98, 0.1)
    )
    assert torch.linalg.norm(near) < torch.linalg.norm(far) / 3


# --- The picture ------------------------------------------------------------------------------


@pytest.mark.parametrize(("height", "width"), [(192, 320), (72, 200), (96, 160), (48, 96)])
def test_a_part_of_an_enlargement_has_the_numbers_of_the_whole(height: int, width: int) -> None:
    reference = EnlargedReference(
        picture=picture_bytes(photo(96, 160)), height_px=height, width_px=width
    )
    whole = reference.whole()
    for rows in (slice(0, 8), slice(16, 40), slice(height - 8, height)):
        for columns in (slice(0, 24), slice(24, 56), slice(width - 16, width)):
            part = reference.part(rows, columns)
            torch.testing.assert_close(part, whole[:, :, rows, columns], atol=3e-5, rtol=0)


def test_an_enlargement_is_pillows_own_by_lanczos() -> None:
    image = photo(48, 96)
    found = EnlargedReference(picture=picture_bytes(image), height_px=96, width_px=192).whole()
    theirs = np.asarray(image.resize((192, 96), Image.Resampling.LANCZOS))
    ours = (found[0].permute(1, 2, 0).numpy() + 1) * 255 / 2
    assert np.abs(ours - theirs).max() < 1.5  # who rounds in between


# --- The job --------------------------------------------------------------------------------------


def several(**more: Any) -> dict[str, Any]:
    """Return a job with all that a second pass leaves behind, or takes along."""
    return canvas(
        64,
        128,
        text_region(0, 64, 0, 128, "sky", name="sky", mask_type="constant", mask_weight=0.1),
        text_region(0, 64, 0, 72, "wall", name="wall", mask="m", mask_type="constant"),
        text_region(8, 64, 64, 128, "road", name="road", mask_type="feather", feather_px=16),
        **{"scheduler": "ddim", "num_inference_steps": 4, **more},
    )


def test_regions_weigh_on_the_larger_canvas_what_they_weighed() -> None:
    job = read_job(several())
    larger = enlarged(job, (192, 384), replace(facts_of(None), largest_px=96), picture="p")
    mask = np.zeros((64, 72), np.float32)
    mask[8:40, 16:] = 1
    for before, after in zip(job.text_regions, larger.text_regions, strict=True):
        small = canvas_weights(before, job, 8, {"m": mask})
        large = canvas_weights(after, larger, 8, {"m": mask})
        means = large.reshape(8, 3, 16, 3).mean((1, 3))
        assert np.abs(means - small).max() < 0.06
    windows = region_windows(larger, 8, {"m": mask})
    assert max(max(one.window.height, one.window.width) for one in windows) <= 96 // 8


def test_the_noise_of_a_second_pass_has_a_variance_of_one(tiny: Model) -> None:
    place = {"row_init": 0, "row_end": 64, "col_init": 0, "col_end": 128}
    reroll = {**place, "reroll_mode": "epsilon", "noise_eps": 2.0, "region_seed": 3}
    document = several(reroll_regions=[reroll])
    document["regions"][0]["noise_eps"] = 3.0
    job = read_job(document)
    assert _noise(job, tiny).std() > 2
    larger = enlarged(job, (512, 1024), facts_of(None), picture="p")
    assert abs(_noise(larger, tiny).std().item() - 1) < 0.02


def _noise(job: Job, model: Model) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    noise = Noise(device=CPU, drawn_on=CPU)
    return starting_noise(
        job, channels=model.channels, stride_px=8, noise=noise, generator=generator
    )


def test_steps_are_as_far_apart_as_before_and_a_third_pass_goes_on() -> None:
    job = read_job(several(num_inference_steps=40, base_strength=0.4, base_prompt="a street"))
    facts = facts_of(None)
    second = enlarged(job, (128, 256), facts, picture="a", strength=0.75)
    assert (second.num_inference_steps, second.base_strength, second.base_prompt) == (10, 0, "")
    third = enlarged(second, (256, 512), facts, picture="b", strength=0.5)
    assert (third.num_inference_steps, third.seed) == (20, job.seed)
    assert [r.bounds for r in third.regions] == [
        tuple(4 * side for side in r.bounds) for r in job.regions
    ]


def pixels(path: Path) -> Any:
    return np.asarray(Image.open(path))


def test_a_command_enlarges_and_the_png_makes_itself_again(tmp_path: Path) -> None:
    job = canvas(
        64,
        128,
        text_region(0, 64, 0, 72, "a wall", name="wall", negative_prompt="fog"),
        text_region(0, 64, 56, 128, "a road", name="road", guidance_scale=3.0),
        model=str(TINY_SD),
        num_inference_steps=4,
    )
    keeper = ModelKeeper(device=choose_device("cpu", "float32"))

    def made(document: object, name: str, folder: Path = tmp_path) -> Path:
        request = RunRequest(document=document, folder=folder, output=tmp_path / name)
        list(run(request, keeper))
        return request.output

    def larger(file: Path, *words: str) -> Any:
        options = build_parser().parse_args(["enlarge", str(file), *words])
        return enlarged_source(options).document

    first = made(job, "first.png")
    second = made(larger(first, "--strength", "0.5"), "2/2.png")
    assert pixels(second).shape == (128, 256, 3)
    assert read_job_of(second)["second_pass"] == {"picture": "../first.png", "strength": 0.5}
    size = ("--size", "320x168", "--steps", "1", "--seed", "7")
    third = made(larger(second, *size), "3.png", second.parent)
    assert (pixels(third).shape, read_job_of(third)["seed"]) == ((168, 320, 3), 7)
    assert np.array_equal(pixels(made(read_job_of(third), "again.png")), pixels(third))
    # And a part of it, with the rest as it is.
    options = build_parser().parse_args(["again", str(second), "--region", "road"])
    found = pixels(made(part_anew(options).document, "part.png", second.parent))
    assert np.array_equal(found[:, :112], pixels(second)[:, :112])
    assert (found[:, 150:] != pixels(second)[:, 150:]).mean() > 0.2


def test_what_cannot_be_enlarged_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = several(second_pass={"picture": "no.png", "strength": 1.5})
    document = {**job, "model": str(TINY_SD)}
    del document["regions"][1]["mask"]
    keeper = ModelKeeper(device=choose_device("cpu", "float32"))
    request = RunRequest(document=document, folder=tmp_path, output=tmp_path / "x.png")
    with pytest.raises(JobError, match=r"there is no file 'no\.png'") as raised:
        list(run(request, keeper))
    assert "second_pass.strength: 1.5 is above 1" in str(raised.value)
    photo(64, 64).save(tmp_path / "no.png")
    (tmp_path / "job.json").write_text(
        json.dumps({**document, "second_pass": {"picture": "no.png", "strength": 1}})
    )
    assert main(["validate", str(tmp_path / "job.json")]) == 0
    said = capsys.readouterr().err
    assert "it has 64 × 64 pixels, and is stretched to the canvas, 128 × 64" in said
    assert "1 leaves the picture as it is, only enlarged" in said
    assert main(["enlarge", str(tmp_path / "job.json"), "--scale", "0"]) == 2
    assert "is not more than 0" in capsys.readouterr().err


def test_the_enlargement_of_a_picture_that_wraps_goes_on_at_the_opposite_edge() -> None:
    image = picture_bytes(photo(48, 96)).roll(20, dims=3)
    axes = Axes(rows=False, columns=True)
    reference = EnlargedReference(picture=image, height_px=96, width_px=192, around=axes)
    turned = replace(reference, picture=image.roll(24, dims=3)).whole()
    whole = reference.whole()
    torch.testing.assert_close(turned, whole.roll(48, dims=3), atol=3e-5, rtol=0)
    beyond = reference.repeated(slice(0, 96), slice(160, 224))
    expected = torch.cat([whole, whole], dim=3)[..., 160:224]
    torch.testing.assert_close(beyond, expected, atol=3e-5, rtol=0)


def test_a_canvas_that_wraps_is_enlarged_with_the_regions_that_cross_its_edge(tiny: Model) -> None:
    region = text_region(0, 64, 96, 160, "a wall", mask_type="constant")
    around = text_region(0, 64, 0, 128, "sky", mask_weight=0.5)
    job = read_job(canvas(64, 128, around, region, wrap="x", num_inference_steps=2))
    larger = enlarged(job, (128, 256), replace(facts_of(None), largest_px=128), picture="p")
    assert larger.regions[1].bounds == (0, 128, 192, 320)
    made = made_by(tiny, larger, photo(64, 128))
    assert made.shape == (1, 4, 16, 32)
    assert made.isfinite().all()
