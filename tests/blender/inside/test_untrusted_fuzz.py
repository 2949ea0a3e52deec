"""A .blend of random content: nothing breaks, and nothing outside its folder is touched."""

import json
import os
import random
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import bpy
import pytest
from addon import (
    EngineError,
    folders,
    history,
    job_cache,
    scripting,
)
from foreign import JOB, SIDES, World, draw_panels, foreign_world, kept
from scenes import street

HOSTS = "oldest and newest"

FUZZ_S = float(os.environ.get("MIXDIFF_FUZZ_SECONDS", "8"))
FIRST = int(os.environ.get("MIXDIFF_FUZZ_FIRST", "0"))


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return foreign_world(tmp_path, monkeypatch)


def hostile_texts(world: World) -> list[str]:
    out = world.outside
    job = {**JOB, "model": "../" * 9 + "etc"}
    names = (
        f"{out}/key.png",
        "../../outside/key.png",
        "../way/key.png",
        "~/diary.txt",
        "sources/../../../home/diary.txt",
        f"{out}/mine-0001.png",
    )
    jobs = [
        {
            **job,
            "regions": [
                *JOB["regions"],
                {"type": "image2image", "reference_image": name, **SIDES},
            ],
        }
        for name in names
    ]
    settings = {
        "canvas": {
            "output_folder": str(out),
            "seed_digits": "x",
            "regions": 3,
            "num_inference_steps": "x",
            "model": None,
            "active_history": -9,
            "mask": {"no": "image"},
        },
        "regions": {"left": {"mask": {}, "prompt": 7, "type": "nothing"}, "right": 5},
        "names": 9,
    }
    view = {"world_to_camera": [[1, 2], [3]], **dict.fromkeys(("left", "right", "bottom"), 0)}
    whole = {**view, **dict.fromkeys(("top", "near", "far"), float("nan")), "is_perspective": "x"}
    unsaved = folders.unsaved_folder()
    return [
        "",
        "x" * 300,
        "x/" * 3000,
        "//../outside/",
        "//../../../../../../../etc/",
        str(out),
        str(world.mine),
        "//link.png",
        "//way/mine-0001.png",
        "~",
        "~/mixdiff/../",
        "//..\\outside",
        "/etc/passwd",
        "/dev/zero",
        "/srv/x",
        "\\\\server\\share\\x.png",
        "{prompt}{0}{prompt.__class__}%s",
        "\x01\x1b[31m\n\t",
        "ü" * 200,
        "9" * 5000,
        "-1",
        "null",
        "[]",
        "{",
        "[" * 50_000,
        '{"seed": 1, "seed": 2}',
        '{"canvas": 1, "regions": [], "names": {}}',
        '{"version": 99}',
        *(json.dumps(document) for document in (*jobs, settings, view, whole, job)),
        str(unsaved / "untitled-0001.png"),
        str(unsaved / ".." / "x.png"),
    ]


def spoil(settings: Any, held: Any, world: World, draw: random.Random) -> None:
    """Fill settings with what no honest program would write."""
    texts = hostile_texts(world)
    numbers: list[Any] = [-1, 0, 2**31 - 1, -(2**31), 1e30, float("nan"), float("inf"), -0.5]
    others = [b"\xff\xfe", [1, 2, 3], {"a": {"b": 1}}, 3, "text", 0.5]
    for declared in settings.bl_rna.properties:
        name = declared.identifier
        if declared.is_readonly or name in ("rna_type", "active_region") or draw.random() < 0.5:
            continue
        with suppress(TypeError, ValueError, AttributeError, OverflowError):
            if declared.type == "STRING" and draw.random() < 0.8:
                setattr(settings, name, draw.choice(texts))
            elif declared.type in {"INT", "FLOAT", "ENUM", "BOOLEAN"} and draw.random() < 0.8:
                held[name] = draw.choice(numbers)
            elif declared.type not in {"POINTER", "COLLECTION"} or draw.random() < 0.1:
                held[name] = draw.choice(others)


def spoil_file(world: World, draw: random.Random) -> None:
    scene = world.scene
    settings = scene.mixdiff
    image = bpy.data.images.new("x" * draw.choice([1, 300]), 8, 8)
    image.filepath_raw = draw.choice(hostile_texts(world))
    image.source = draw.choice(["GENERATED", "FILE", "SEQUENCE", "MOVIE", "TILED"])
    for _ in range(draw.randrange(4)):
        entry = settings.history.add()
        entry.key = draw.choice(["", "same", "other"])
    for _ in range(draw.randrange(3)):
        entry = settings.regions.add()
        entry.layer = draw.choice(hostile_texts(world))
        entry.object = draw.choice([None, *bpy.data.objects])
    held = kept(scene)
    for name in ("history", "regions"):
        items = held.get(name, []) if name in held else []
        for entry, raw in zip(getattr(settings, name), items, strict=False):
            spoil(entry, raw, world, draw)
    spoil(settings, held, world, draw)
    for obj in bpy.data.objects:
        if draw.random() < 0.7:
            with suppress(TypeError):  # the camera
                obj.mixdiff.reference_image = image
                obj.mixdiff.mask = draw.choice([None, None, image])
            spoil(obj.mixdiff, kept(obj), world, draw)
    if draw.random() < 0.3:
        settings.result = image


def tried(step: Callable[[], Any]) -> None:
    """Do something; what is refused is refused in words."""
    with suppress(EngineError, RuntimeError):  # a traceback in it stands in the output, too
        step()


def use(world: World, draw: random.Random) -> None:
    """Do what people do with a file."""
    ops = bpy.ops.mixdiff
    scene = bpy.context.scene

    def shown() -> None:
        for entry in scene.mixdiff.history:
            history.path_of(entry)
        scripting.problems(scene)
        scripting.regions(scene)
        job_cache.cached_job(scene, bpy.context.view_layer)
        job_cache._read()

    steps: list[Callable[[], Any]] = [
        shown,
        lambda: draw_panels(scene),
        lambda: scene.copy(),
        ops.generate,
        lambda: ops.browse_history(direction=draw.choice(["PREVIOUS", "NEXT"])),
        ops.use_settings,
        lambda: ops.vary(mode=draw.choice(["reset", "epsilon"])),
        ops.keep_image,
        ops.keep_seed,
        ops.project,
        lambda: ops.remove_result(with_file=True),
        bpy.ops.wm.save_mainfile,
        lambda: bpy.ops.wm.save_as_mainfile(filepath=str(world.project / "a/b.blend"), copy=True),
        lambda: scripting.export_job(world.project / "export" / f"{draw.random()}.json", scene),
    ]
    draw.shuffle(steps)
    for step in steps:
        tried(step)


def test_whatever_a_file_holds_nothing_breaks_and_nothing_outside_is_touched(
    world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    end_s, number = time.monotonic() + FUZZ_S, FIRST
    while number == FIRST or time.monotonic() < end_s:
        draw = random.Random(number)
        world.scene = street()
        bpy.ops.wm.save_as_mainfile(filepath=str(world.project / "street.blend"))
        spoil_file(world, draw)
        bpy.ops.wm.save_mainfile()
        world.before = world.files()
        capfd.readouterr()
        bpy.ops.wm.open_mainfile(filepath=str(world.project / "street.blend"))
        use(world, draw)
        said = "".join(capfd.readouterr())
        assert "Traceback" not in said, f"MIXDIFF_FUZZ_FIRST={number}: {said}"
        world.require_untouched()
        number += 1
