"""A .blend from someone else is data: whatever it holds, nothing breaks or leads outside."""

import hashlib
import json
import os
import random
import shutil
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import bpy
import numpy as np
import pytest
from addon import (
    PANELS,
    Done,
    EngineError,
    HistoryList,
    folders,
    history,
    job_cache,
    png,
    png_of,
    queue,
    read_job,
    scripting,
)
from scenes import street, update

HOSTS = "oldest and newest"

FUZZ_S = float(os.environ.get("MIXDIFF_FUZZ_SECONDS", "8"))
FIRST = int(os.environ.get("MIXDIFF_FUZZ_FIRST", "0"))

SIDES = {"row_init": 0, "row_end": 64, "col_init": 0, "col_end": 64}
JOB: dict[str, Any] = {
    **{"seed": 1, "canvas_width": 64, "canvas_height": 64},
    "regions": [{"type": "text2image", "prompt": "x", **SIDES}],
}


def write_result(path: Path, document: Any) -> None:
    """Write a picture that holds a job, as the engine does."""
    with path.open("wb") as file:
        png.write_head(file, (8, 8))
        png.write_note(file, png.JOB_KEY, document)
        png.write_chunk(file, b"IDAT", zlib.compress(bytes(8 * (1 + 3 * 8))))
        png.write_chunk(file, b"IEND")


class World:
    """A project that came from someone else, and what else lies on this computer."""

    def __init__(self, root: Path) -> None:
        self.root, self.project, self.home = root, root / "project", root / "home"
        self.outside = root / "outside"
        for folder in (
            self.project / "mixdiff",
            self.home / "mixdiff",
            self.outside / "sources",
            self.project / "a",
        ):
            folder.mkdir(parents=True)
        (self.home / "diary.txt").write_text("dear diary")
        (self.outside / "key.png").write_text("not a picture")
        self.mine = self.outside / "mine-0001.png"
        write_result(self.mine, JOB)
        write_result(self.outside / "sources" / "photo.png", {})
        (self.project / "link.png").symlink_to(self.mine)
        (self.project / "way").symlink_to(self.outside)
        self.scene = street()
        bpy.ops.wm.save_as_mainfile(filepath=str(self.project / "street.blend"))
        self.before = self.files()

    def files(self) -> dict[Path, str]:
        """Return all files, and what is in them."""
        found = (path for path in self.root.rglob("*") if path.is_file())
        return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in found}

    def require_untouched(self) -> None:
        """See that what was there is there still, and that what came is in its place."""
        now = self.files()
        saved = {path for path in now if path.suffix.startswith(".blend")}
        changed = {p for p, digest in self.before.items() if now.get(p) != digest} - saved
        assert not changed
        results = {folders.results_folder(scene).resolve() for scene in bpy.data.scenes}
        for path in now.keys() - self.before.keys() - saved:
            parents = {path.parent.resolve(), path.parent.parent.resolve()}
            assert parents & {*results, self.project / "mixdiff", self.project / "export"}, path
            assert path.suffix in {".png", ".json"}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))

    def add(request: Any, on_end: Callable[[Any], None]) -> None:
        write_result(request.output, request.document)
        on_end(Done(output=request.output, document=request.document, problems=(), timings_s={}))

    monkeypatch.setattr(queue, "add", add)
    return World(tmp_path)


def kept(owner: Any) -> Any:
    """Return what a file holds of an owner's settings, whatever their types."""
    get = getattr(owner, "bl_system_properties_get", None)
    held = get(do_create=True) if get else owner
    if "mixdiff" not in held:
        held["mixdiff"] = {}
    return held["mixdiff"]


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
        "/root/x",
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


def draw_panels(scene: Any) -> None:
    settings = SimpleNamespace(system=SimpleNamespace(ui_scale=1.0))
    layer = bpy.context.view_layer
    context = SimpleNamespace(
        **{"scene": scene, "view_layer": layer, "object": layer.objects.active},
        **{"active_object": layer.objects.active, "selected_objects": []},
        **{"region": SimpleNamespace(width=300), "preferences": settings},
        space_data=SimpleNamespace(shading=SimpleNamespace(type="SOLID")),
    )
    layout = MagicMock()
    for panel in PANELS:
        panel.draw(MagicMock(layout=layout), context)
    for entry in scene.mixdiff.history[:9]:
        HistoryList.draw_line(MagicMock(), context, layout, entry)
    assert layout.method_calls


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


def test_only_the_picture_that_an_entry_made_is_deleted(world: World) -> None:
    settings = world.scene.mixdiff
    settings.output_folder = str(world.outside)
    entry = settings.history.add()
    entry.file, entry.job = str(world.mine), json.dumps({**JOB, "seed": 2})
    with pytest.raises(RuntimeError, match="is not this picture of MixDiff"):
        bpy.ops.mixdiff.remove_result(with_file=True)
    assert world.mine.is_file()
    entry.job = json.dumps(read_job(world.mine))
    bpy.ops.mixdiff.remove_result(with_file=True)
    assert not world.mine.exists()


@pytest.mark.parametrize("name", ["../../outside/p.png", "~/p.png", "../way/p.png"])
def test_a_variation_copies_no_picture_from_elsewhere(name: str, world: World) -> None:
    private = png_of(np.zeros((8, 8, 3), np.uint8))
    for folder in (world.outside, world.home):
        (folder / "p.png").write_bytes(private)
    entry = world.scene.mixdiff.history.add()
    image = {"type": "image2image", "reference_image": name, **SIDES}
    entry.job = json.dumps({**JOB, "regions": [*JOB["regions"], image]})
    entry.file = "//mixdiff/mine.png"
    with pytest.raises(RuntimeError, match="which is outside of its own folder"):
        bpy.ops.mixdiff.vary()
    assert not list(world.project.rglob("sources/*"))
    inside = world.project / "mixdiff" / "photo.png"
    inside.write_bytes(private)
    entry.job = entry.job.replace(name, "photo.png")
    bpy.ops.mixdiff.vary()
    assert len(list(world.project.rglob("sources/*"))) == 1


def test_pictures_are_not_kept_through_a_link_and_only_pictures_are(world: World) -> None:
    region, text = bpy.data.objects["left"].mixdiff, world.project / "mixdiff" / "photo.py"
    text.write_bytes(png_of(np.zeros((8, 8, 3), np.uint8)))
    region.type, region.reference_image = "image2image", bpy.data.images.load(str(text))
    world.before = world.files()
    bpy.ops.mixdiff.generate()
    (kept_one,) = (world.project / "mixdiff" / "sources").iterdir()
    assert kept_one.suffix == ""
    shutil.rmtree(kept_one.parent)
    kept_one.parent.symlink_to(world.outside)
    with pytest.raises(RuntimeError, match=r"sources.* leads out of .*mixdiff"):
        bpy.ops.mixdiff.generate()
    world.require_untouched()


def test_saving_brings_nothing_along_from_outside(world: World, tmp_path: Path) -> None:
    scene = street()
    bpy.ops.mixdiff.generate()
    (entry,) = scene.mixdiff.history
    file, job = history.path_of(entry), json.loads(entry.job)
    other = folders.unsaved_folder() / "other.png"
    write_result(other, {**JOB, "seed": 3})
    secret = folders.user_folder() / "secret.png"
    secret.write_bytes(b"secret")
    image = {"type": "image2image", "reference_image": "../secret.png", **SIDES}
    job["regions"].append(image)
    entry.job = json.dumps(job)
    write_result(file, job)
    foreign = scene.mixdiff.history.add()
    foreign.file, foreign.job = str(other), json.dumps(JOB)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "deep" / "a.blend"), check_existing=False)
    assert [path.name for path in (tmp_path / "deep").rglob("*.png")] == ["a-0001.png"]
    assert not list(tmp_path.rglob("secret.png"))
    assert entry.file == "//mixdiff/a-0001.png"
    assert scene.mixdiff.history[1].file == str(other)


def test_settings_that_come_back_are_those_of_pictures(world: World) -> None:
    settings = world.scene.mixdiff
    entry = settings.history.add()
    canvas = {"output_folder": "/etc", "active_history": 7, "num_inference_steps": 9, "seed": []}
    entry.job = json.dumps(JOB)
    entry.settings = json.dumps({"canvas": canvas, "regions": {"gone": 3}, "names": {"gone": 4}})
    bpy.ops.mixdiff.use_settings()
    assert (settings.output_folder, settings.active_history) == ("//mixdiff/", 0)
    assert settings.num_inference_steps == 9


def test_steps_that_lie_there_are_not_written_over(world: World) -> None:
    (world.project / "mixdiff" / "street-0001-steps").symlink_to(world.outside)
    made = folders.next_image_path(world.scene)
    assert made.name == "street-0002.png"
    folders.release(made)


def test_where_pictures_go_is_shown_if_it_is_elsewhere(world: World) -> None:
    settings = world.scene.mixdiff
    assert folders.elsewhere(world.scene) is None
    for folder in ("//../outside", "//way", "~", str(world.outside)):
        settings.output_folder = folder
        assert folders.elsewhere(world.scene) in {world.outside, world.project / "way", world.home}


def test_names_as_long_as_a_name_can_be_are_no_harm(world: World) -> None:
    image = bpy.data.images.new("ü" * 300, 8, 8)
    region = bpy.data.objects["left"].mixdiff
    region.type, region.reference_image = "image2image", image
    bpy.ops.wm.save_as_mainfile(filepath=str(world.project / f"{'ü' * 120}.blend"))
    bpy.ops.mixdiff.generate()
    assert history.path_of(world.scene.mixdiff.history[0]).name.startswith("üüüü")


def test_an_appended_region_has_no_values_that_no_field_can_hold(world: World) -> None:
    bad = kept(bpy.data.objects["left"])
    del bad["prompt"]
    bad["type"], bad["mask_weight"], bad["prompt"] = 99, -4.0, b"\xff"
    path = str(world.project / "street.blend")
    bpy.ops.wm.save_mainfile()
    street()
    with bpy.data.libraries.load(path) as (_, data):
        data.objects = ["left"]
    bpy.context.scene.collection.objects.link(data.objects[0])
    update()
    found = data.objects[0].mixdiff
    assert (found.type, found.mask_weight, found.prompt) == ("text2image", 1, "")


def test_a_hundred_thousand_entries_are_no_harm(world: World) -> None:
    held = kept(world.scene)
    held["history"] = [{"file": f"//mixdiff/{number}.png"} for number in range(100_000)]
    began_s = time.monotonic()
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.open_mainfile(filepath=str(world.project / "street.blend"))
    draw_panels(bpy.context.scene)
    bpy.ops.mixdiff.generate()
    assert len(bpy.context.scene.mixdiff.history) == 100_001
    assert time.monotonic() - began_s < 60
