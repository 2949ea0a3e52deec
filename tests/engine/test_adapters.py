"""IP-Adapters, held to diffusers' own pipelines and to separate runs."""

from __future__ import annotations

import copy
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

from engine.contract.beside import work_of
from engine.contract.errors import EngineError, JobError
from engine.contract.memory import Work
from engine.contract.models import ModelFacts
from engine.contract.png import read_job as recorded_job
from engine.families.adapters import Adapter, load_adapter
from engine.families.base import Model
from engine.families.control_loading import load_controlnet
from engine.families.loading import model_of
from engine.families.schedules import build_scheduler
from engine.model_keeper import ModelKeeper
from engine.run import RunRequest, run
from engine.runtime.devices import choose_device
from engine.sampling.controls import NO_CONTROLS, ControlInputs
from engine.sampling.events import Generated
from engine.sampling.following import ReferenceInputs
from engine.sampling.generate import generate
from engine.sampling.inputs import JobInputs
from engine.sampling.masks import MaskImages
from tests.engine.conftest import TINY_SD
from tests.engine.runs import canvas, latents, read_job, relative_error, text_region
from tests.engine.tiny_adapters import adapter_tensors, reference, save_adapter, tiny_encoder
from tests.engine.tiny_controls import control, hint_bytes, tiny_controlnet
from tests.engine.tiny_models import tiny_sdxl

CPU = choose_device("cpu", "float32")
HEIGHT, WIDTH, STEPS, GUIDANCE = 64, 96, 4, 6.0
KINDS = ("plain", "plus", "full")


@pytest.fixture(scope="module")
def sdxl() -> Model:
    return model_of(tiny_sdxl(), CPU)


@pytest.fixture
def model(request: pytest.FixtureRequest, tiny: Model, sdxl: Model) -> Model:
    return {"sd": tiny, "sdxl": sdxl}[getattr(request, "param", "sd")]


both = pytest.mark.parametrize("model", ["sd", "sdxl"], indirect=True)


def loaded(folder: Path, model: Model, kind: str = "plain", seed: int = 0) -> Adapter:
    path = save_adapter(folder / model.NAME, model.network, kind, seed)
    return load_adapter(str(path), folder, model, {})


def picture(seed: int = 0) -> Tensor:
    """Return a picture that is no square, (1, 3, 50, 40), bytes."""
    return hint_bytes(50, 40, seed + 20)


def as_image(pixels: Tensor) -> Image.Image:
    return Image.fromarray(pixels[0].permute(1, 2, 0).numpy())


def followed(
    document: Any,
    model: Model,
    adapters: Mapping[str, Any] | None = None,
    pictures: Mapping[str, Tensor] | None = None,
    controls: ControlInputs = NO_CONTROLS,
    masks: MaskImages | None = None,
) -> Any:
    """Run a job with references, and return its latents."""
    references = ReferenceInputs(pictures=pictures or {"p": picture()}, adapters=adapters or {})
    job = read_job(document)
    inputs = JobInputs(masks=masks or {}, controls=controls, references=references)
    events = generate(job, model, inputs)
    (done,) = (event for event in events if isinstance(event, Generated))
    return done.latents.numpy()


def job(*references: Any, **more: Any) -> Any:
    region = text_region(0, HEIGHT, 0, WIDTH, "a tower", guidance_scale=GUIDANCE)
    settings = {"num_inference_steps": STEPS, "scheduler": "ddim", **more}
    return canvas(HEIGHT, WIDTH, region, references=list(references), **settings)


def pipeline_of(model: Model, net: Any = None) -> Any:
    """Return diffusers' own pipeline with the model's parts, and a UNet of its own."""
    own = model._pipeline.components
    parts = {name: part for name, part in own.items() if part is not None}
    parts["unet"] = copy.deepcopy(parts["unet"])
    names = {
        "sd": "StableDiffusionPipeline",
        "sdxl": "StableDiffusionXLPipeline",
    }
    name = names[model.NAME]
    if net is not None:
        name, parts["controlnet"] = name.replace("Pipeline", "ControlNetPipeline"), net
    if model.NAME == "sd":
        parts |= {"safety_checker": None, "feature_extractor": None}
        parts["requires_safety_checker"] = False
    else:
        parts["add_watermarker"] = False
    made = getattr(diffusers, name)(**parts)
    config = {**made.scheduler.config, "_class_name": type(made.scheduler).__name__}
    made.scheduler = build_scheduler("ddim", config)
    made.set_progress_bar_config(disable=True)
    return made


def theirs(pipeline: Any, images: Any, **more: Any) -> Any:
    """Return the latents of diffusers' own pipeline with the same settings."""
    settings = {"guidance_scale": GUIDANCE, **more}
    return pipeline(
        "a tower",
        height=HEIGHT,
        width=WIDTH,
        num_inference_steps=STEPS,
        generator=torch.Generator().manual_seed(5),
        output_type="latent",
        ip_adapter_image=images,
        **settings,
    ).images.numpy()


def with_adapters(pipeline: Any, folder: Path, model: Model, *kinds: str, scale: Any) -> Any:
    names = [save_adapter(folder / model.NAME, model.network, kind).name for kind in kinds]
    pipeline.load_ip_adapter(
        str(folder / model.NAME), subfolder="", weight_name=names, local_files_only=True
    )
    pipeline.set_ip_adapter_scale(scale)
    return pipeline


@both
@pytest.mark.parametrize("kind", KINDS)
def test_a_canvas_that_follows_a_picture_is_as_diffusers_makes_it(
    kind: str, model: Model, tmp_path: Path
) -> None:
    adapter = loaded(tmp_path, model, kind)
    found = followed(job(reference(scale=0.7)), model, {"adapter": adapter})
    pipeline = with_adapters(pipeline_of(model), tmp_path, model, kind, scale=0.7)
    assert relative_error(found, theirs(pipeline, as_image(picture()))) < 1e-5
    assert relative_error(found, latents(job(), model)) > 1e-3


def test_without_guidance_and_for_a_part_of_the_steps_it_is_as_diffusers_makes_it(
    tiny: Model, tmp_path: Path
) -> None:
    adapter = loaded(tmp_path, tiny)
    document = job(reference(scale=0.7, end=0.5))
    document["regions"][0]["guidance_scale"] = 1

    def end(pipeline: Any, step: int, t: Any, values: Any) -> Any:
        if step == STEPS // 2 - 1:
            pipeline.set_ip_adapter_scale(0.0)
        return values

    pipeline = with_adapters(pipeline_of(tiny), tmp_path, tiny, "plain", scale=0.7)
    expected = theirs(pipeline, as_image(picture()), guidance_scale=1.0, callback_on_step_end=end)
    assert relative_error(followed(document, tiny, {"adapter": adapter}), expected) < 1e-5


def test_several_pictures_add_up_as_diffusers_adds_adapters(sdxl: Model, tmp_path: Path) -> None:
    adapters = {kind: loaded(tmp_path, sdxl, kind) for kind in KINDS}
    pictures = {kind: picture(number) for number, kind in enumerate(KINDS)}
    scales = [0.3, 0.5, 0.2]
    document = job(
        *(reference(kind, kind, scale=scale) for kind, scale in zip(KINDS, scales, strict=True))
    )
    pipeline = with_adapters(pipeline_of(sdxl), tmp_path, sdxl, *KINDS, scale=scales)
    expected = theirs(pipeline, [as_image(one) for one in pictures.values()])
    assert relative_error(followed(document, sdxl, adapters, pictures), expected) < 1e-5


@both
def test_a_picture_and_a_control_together_are_as_diffusers_makes_them(
    model: Model, tmp_path: Path
) -> None:
    net, hint = tiny_controlnet(model.network), hint_bytes(HEIGHT, WIDTH)
    adapter = loaded(tmp_path, model, "plus")
    controls = ControlInputs(pictures={"h": hint}, nets={"net": net})
    document = job(reference(scale=0.7), controls=[control("h", scale=0.6)])
    pipeline = with_adapters(pipeline_of(model, net), tmp_path, model, "plus", scale=0.7)
    more = {"image": hint.float() / 255, "controlnet_conditioning_scale": 0.6}
    expected = theirs(pipeline, as_image(picture()), **more)
    found = followed(document, model, {"adapter": adapter}, controls=controls)
    assert relative_error(found, expected) < 1e-5


def test_a_scale_of_0_is_exactly_no_reference_and_needs_no_adapter(tiny: Model) -> None:
    found = followed(job(reference(scale=0)), tiny)
    assert np.array_equal(found, latents(job(), tiny))


def test_a_region_that_follows_nothing_is_as_if_nobody_did(sdxl: Model, tmp_path: Path) -> None:
    """Two regions side by side do not touch: each half is as if it were a canvas alone."""
    adapters = {kind: loaded(tmp_path, sdxl, kind) for kind in ("plain", "plus")}
    pictures = {"whole": picture(), "own": picture(1)}
    regions = [
        text_region(0, 64, at, at + 64, prompt, mask_type="constant", region_seed=number)
        for number, (at, prompt) in enumerate(((0, "sky"), (64, "house"), (128, "sea")))
    ]
    regions[1]["references"] = [reference("own", "plus", scale=0.6)]
    regions[2]["references"] = [reference("own", "plus", scale=0)]
    settings = {"num_inference_steps": STEPS, "scheduler": "ddim"}
    rerolls = [
        {"row_init": 0, "row_end": 64, "col_init": at, "col_end": at + 64, "region_seed": 9 + at}
        for at in (0, 64, 128)
    ]
    whole = reference("whole", "plain", scale=0.9)
    found = followed(
        canvas(64, 192, *regions, references=[whole], reroll_regions=rerolls, **settings),
        sdxl,
        adapters,
        pictures,
    )
    for number, own in enumerate(([whole], [reference("own", "plus", scale=0.6)], [])):
        place = {"col_init": 0, "col_end": 64}
        alone = {**regions[number], **place, "references": own}
        reroll = {**rerolls[number], **place}
        document = canvas(64, 64, alone, reroll_regions=[reroll], **settings)
        expected = followed(document, sdxl, adapters, pictures)
        part = found[..., 8 * number : 8 * number + 8]
        assert relative_error(part, expected) < 1e-5


def test_masks_and_references_do_not_change_each_other(tiny: Model, tmp_path: Path) -> None:
    """A step mixes cell by cell: each half is what its region alone has there."""
    adapters = {"adapter": loaded(tmp_path, tiny)}
    first = text_region(0, HEIGHT, 0, WIDTH, "a tower", mask_type="constant")
    second = {**first, "prompt": "fog", "references": [reference(scale=0.9)]}
    settings = {"num_inference_steps": 1, "scheduler": "ddim"}
    left = np.zeros((HEIGHT, WIDTH), dtype=np.float32)
    left[:, : WIDTH // 2] = 1
    document = canvas(
        HEIGHT, WIDTH, {**first, "mask": "left"}, {**second, "mask": "right"}, **settings
    )
    found = followed(document, tiny, adapters, masks={"left": left, "right": 1 - left})
    for region, half in ((first, np.s_[..., : WIDTH // 16]), (second, np.s_[..., WIDTH // 16 :])):
        alone = followed(canvas(HEIGHT, WIDTH, region, **settings), tiny, adapters)
        assert relative_error(found[half], alone[half]) < 1e-5
    free = canvas(HEIGHT, WIDTH, {**second, "references": []}, **settings)
    assert relative_error(found[half], followed(free, tiny)[half]) > 1e-3


def test_the_network_is_as_it_was_afterwards(tiny: Model, tmp_path: Path) -> None:
    before, names = dict(tiny.network.attn_processors), set(tiny.network.state_dict())
    adapters = {"adapter": loaded(tmp_path, tiny, "plus")}
    plain = latents(job(), tiny)
    followed(job(reference()), tiny, adapters)
    assert tiny.network.attn_processors == before
    assert set(tiny.network.state_dict()) == names
    assert np.array_equal(latents(job(), tiny), plain)


def test_a_picture_is_looked_at_once(tiny: Model, tmp_path: Path) -> None:
    adapter, looks = loaded(tmp_path, tiny, "plus"), []
    adapter._eye._encoder.register_forward_hook(lambda *_: looks.append(1))
    for _ in range(2):
        followed(job(reference()), tiny, {"adapter": adapter})
    assert len(looks) == 2  # at the picture, and at nothing


def test_a_job_with_references_repeats_itself_from_its_png(tmp_path: Path) -> None:
    """Files of pictures and IP-Adapters are seen from the result's own folder."""
    keeper = ModelKeeper(device=CPU)
    model = keeper.model(str(TINY_SD), tmp_path, Work.of_square(1024))
    (tmp_path / "in").mkdir()
    save_adapter(tmp_path / "in" / "nets", model.network, "plus")
    for name in ("p.png", "qq.png"):
        as_image(picture(len(name))).save(tmp_path / "in" / name)
    named = "nets/plus-0.safetensors"
    document = job(reference("p.png", named, scale=0.7, end=0.5), model=str(TINY_SD), seed=3)
    document["regions"].append(text_region(0, 64, 0, 64, "fog"))
    document["regions"][1]["references"] = [reference("qq.png", named, scale=0.2)]
    first, again = tmp_path / "out" / "first.png", tmp_path / "again.png"
    first.parent.mkdir()
    list(run(RunRequest(document=document, folder=tmp_path / "in", output=first), keeper))
    recorded = recorded_job(first)
    assert recorded["references"][0]["model"] == f"../in/{named}"
    assert recorded["regions"][1]["references"][0]["image"] == "../in/qq.png"
    list(run(RunRequest(document=recorded, folder=first.parent, output=again), keeper))
    assert (np.asarray(Image.open(first)) == np.asarray(Image.open(again))).all()
    document["references"], document["regions"][1]["references"] = [], []
    list(run(RunRequest(document=document, folder=tmp_path / "in", output=again), keeper))
    assert (np.asarray(Image.open(first)) != np.asarray(Image.open(again))).any()


def test_an_adapter_that_does_not_suit_is_said_before_the_model_is_loaded(tmp_path: Path) -> None:
    as_image(picture()).save(tmp_path / "p.png")
    path = save_adapter(tmp_path / "nets", tiny_sdxl().unet)
    for named, said in (
        ("somebody/nets/one.safetensors", "is not on this computer"),
        (str(path), "was made for networks that are 80 numbers wide"),
    ):
        document = job(reference("p.png", named), model=str(TINY_SD))
        request = RunRequest(document=document, folder=tmp_path, output=tmp_path / "out.png")
        with pytest.raises((EngineError, JobError), match=said):
            next(run(request, ModelKeeper(device=CPU)))


def test_what_is_no_adapter_for_the_model_is_named(tiny: Model, tmp_path: Path) -> None:
    tensors = adapter_tensors(tiny.network)
    last = max(int(name.split(".")[1]) for name in tensors if name.startswith("ip_adapter"))
    fewer = {name: t for name, t in tensors.items() if f"ip_adapter.{last}." not in name}
    wider = {**tensors, "ip_adapter.1.to_k_ip.weight": torch.zeros((9, 32))}
    tiny_encoder().save_pretrained(tmp_path / "image_encoder")
    for given, said in ((fewer, "layers, the model's network"), (wider, "cannot be loaded")):
        save_file(given, tmp_path / "one.safetensors")
        with pytest.raises(EngineError, match=said) as caught:
            load_adapter("one.safetensors", tmp_path, tiny, {})
        assert caught.value.advice


def test_what_the_memory_plan_counts_is_what_is_loaded(sdxl: Model, tmp_path: Path) -> None:
    path = save_adapter(tmp_path, sdxl.network, "plus")
    adapter = load_adapter(str(path), tmp_path, sdxl, {})
    tiny_controlnet(sdxl.network).save_pretrained(tmp_path / "net")
    net = load_controlnet("net", tmp_path, sdxl)
    document = job(reference("p.png", path.name), controls=[control("p.png", model="net")])
    work = work_of(read_job(document), ModelFacts.of_family(sdxl.family), tmp_path)

    def numbers(*parts: Any) -> int:
        return sum(p.numel() for part in parts for p in part.parameters())

    assert work.beside_numbers == numbers(net, adapter._projection, *adapter.layers.values())
    buffers = adapter._eye._encoder.vision_model.embeddings.position_ids.numel()
    assert work.seeing_numbers in (numbers(adapter._eye._encoder) + extra for extra in (0, buffers))
