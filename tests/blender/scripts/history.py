"""Results that come one after the other, and the ways back to each."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from bl_ext.user_default.mixdiff.backend import running
from bl_ext.user_default.mixdiff.contract import EngineError
from bl_ext.user_default.mixdiff.results import batch, generation, history
from bl_ext.user_default.mixdiff.storage import folders
from scenes import file_of, street

report: Any
folder = Path(sys.argv[1])
told: dict[str, Any] = {}


def pixels(image: Any) -> Any:
    values = np.empty(len(image.pixels), dtype=np.float32)
    image.pixels.foreach_get(values)
    return values


def files(scene: Any) -> list[str]:
    return [entry.file for entry in scene.mixdiff.history]


def error_of(call: Any, *arguments: Any, **named: Any) -> str:
    try:
        call(*arguments, **named)
    except (RuntimeError, EngineError) as problem:
        return str(problem)
    return ""


# A file that was never saved: pictures wait aside, and are packed too.
scene = street()
settings = scene.mixdiff
bpy.ops.ed.undo_push(message="before")
bpy.ops.mixdiff.generate()
told["unsaved"] = {
    "aside": folders.is_unsaved(history.path_of(settings.history[0])),
    "packed": settings.result.packed_file is not None,
}
first = pixels(settings.result)

# Undo goes back to before the picture came: it stays.
bpy.data.objects["left"].location.x += 1
bpy.ops.ed.undo_push(message="moved")
bpy.ops.ed.undo()
scene = bpy.context.scene
settings = scene.mixdiff
told["after_undo"] = {
    "moved_back": bpy.data.objects["left"].location.x == -0.75,
    "entries": len(settings.history),
    "shows": settings.result is not None and np.array_equal(pixels(settings.result), first),
}

# Saving brings them beside the file; a copy elsewhere and another name leave the paths right.
settings.seed = 11
bpy.ops.mixdiff.generate()
blend = folder / "project" / "street.blend"
blend.parent.mkdir()
bpy.ops.wm.save_as_mainfile(filepath=str(folder / "copy.blend"), copy=True)
told["after_copy"] = all(history.path_of(entry).is_file() for entry in settings.history)
bpy.ops.wm.save_as_mainfile(filepath=str(blend))
told["saved"] = files(scene)
told["saved_there"] = [history.path_of(entry).is_file() for entry in settings.history]
told["jobs_find_their_model"] = [
    (history.path_of(entry).parent / json.loads(entry.job)["model"] / "unet").is_dir()
    for entry in settings.history
]
told["pictures_hold_those_jobs"] = [
    history.read_job(history.path_of(entry)) == json.loads(entry.job) for entry in settings.history
]
told["saved_seeds"] = [entry.seed for entry in settings.history]
bpy.ops.mixdiff.generate()
told["third"] = files(scene)[-1]
told["third_image"] = settings.result.filepath
bpy.ops.wm.save_as_mainfile(filepath=str(folder / "elsewhere.blend"))
told["elsewhere"] = files(scene)[0]
bpy.ops.wm.save_as_mainfile(filepath=str(blend))
told["back"] = files(scene)[0]

# The project moves to another folder.
shutil.move(folder / "project", folder / "moved")
bpy.ops.wm.open_mainfile(filepath=str(folder / "moved" / "street.blend"))
scene = bpy.context.scene
settings = scene.mixdiff
told["moved"] = [history.path_of(entry).is_file() for entry in settings.history]
settings.result.reload()
told["moved_image"] = len(settings.result.pixels) > 0

# One click shows an earlier result, in the same datablock.
datablock = settings.result.name
settings.active_history = 0
told["shown_again"] = bool(np.array_equal(pixels(settings.result), first))
told["shown_in"] = settings.result.name == datablock
told["shown_seed"] = settings.result_seed
bpy.ops.mixdiff.browse_history(direction="NEXT")
told["browsed_to"] = settings.active_history
bpy.ops.mixdiff.browse_history(direction="PREVIOUS")

# Kept as an image of its own, twice the same.
before = len(bpy.data.images)
bpy.ops.mixdiff.keep_image()
bpy.ops.mixdiff.keep_image()
told["kept"] = len(bpy.data.images) - before
kept = next(image for image in bpy.data.images if image.name.startswith("street-0001"))
settings.active_history = 2
told["kept_still"] = bool(np.array_equal(pixels(kept), first))
told["kept_path"] = kept.filepath

# Settings come back, whatever has changed.
settings.active_history = 0
left = bpy.data.objects["left"].mixdiff
left.prompt, left.guidance_scale, left.enabled = "something else", 2.0, False
settings.num_inference_steps, settings.seed, settings.scheduler = 7, None, "ddim"
bpy.data.objects.remove(bpy.data.objects["right"])
bpy.ops.mixdiff.use_settings()
told["brought_back"] = [
    left.prompt,
    left.guidance_scale,
    left.enabled,
    settings.num_inference_steps,
    settings.seed,
    settings.scheduler,
]
told["own_seed"] = left.region_seed

# A picture from its own file, into another scene of another file.
source = history.path_of(settings.history[0])
count = len(settings.history)
told["read"] = history.read_job(source)["seed"]
bpy.ops.mixdiff.load_picture(filepath=str(source))
told["loaded_known"] = len(settings.history) - count
plain = folder / "plain.png"
bpy.data.images.new("plain", 8, 8).save(filepath=str(plain))
told["loaded_plain"] = error_of(bpy.ops.mixdiff.load_picture, filepath=str(plain))

# Removed from the list; the file stays, or goes.
last = history.path_of(settings.history[2])
settings.active_history = 2
bpy.ops.mixdiff.remove_result()
told["removed"] = [len(settings.history), last.is_file(), settings.active_history]
bpy.ops.mixdiff.load_picture(filepath=str(last))
bpy.ops.mixdiff.remove_result(with_file=True)
told["removed_with_file"] = [len(settings.history), last.is_file()]

# Variations and batches.
scene = street()
bpy.ops.wm.save_as_mainfile(filepath=str(folder / "batch.blend"))
settings = scene.mixdiff
photo = bpy.data.images.new("photo", 16, 16)
region = bpy.data.objects["right"].mixdiff
region.type, region.reference_image = "image2image", photo
bpy.ops.mixdiff.generate()
origin = pixels(settings.result).reshape(64, 128, 4)
told["source_beside"] = json.loads(settings.history[0].job)["regions"][1]["reference_image"]
told["source_there"] = (folder / "mixdiff" / told["source_beside"]).is_file()
shutil.rmtree(folders.session_folder(), ignore_errors=True)
for obj in bpy.data.objects:
    obj.select_set(obj.name == "left")
bpy.ops.mixdiff.vary(mode="reset")
bpy.ops.mixdiff.vary(mode="reset")
bpy.ops.mixdiff.vary(mode="epsilon", noise_eps=0.1)
told["rerolls"] = [
    [
        [r["reroll_mode"], r["noise_eps"], r["col_init"], r["col_end"]]
        for r in json.loads(entry.job)["reroll_regions"]
    ]
    for entry in settings.history
]
told["same_seed"] = len({entry.seed_digits for entry in settings.history})
told["varied"] = not np.array_equal(pixels(settings.result).reshape(64, 128, 4), origin)

settings.seed = 2**64 - 2
before = len(settings.history)
bpy.ops.mixdiff.generate_batch(count=3)
told["batch_seeds"] = [entry.seed for entry in list(settings.history)[before:]]

settings.num_inference_steps, settings.scheduler, settings.seed = 300, "ddim", 5
before = len(settings.history)
batch.begin(scene, bpy.context.evaluated_depsgraph_get(), 3)
told["batch_left"] = len(running.session.queue)
running.session.cancel()
running.wait()
told["batch_cancelled"] = [len(settings.history) - before, len(running.session.queue)]
pictures = (folder / "mixdiff").glob("*.png")
told["left_behind"] = [path.name for path in pictures if not path.stat().st_size]

# Two Blenders take different names; a place that cannot be written says so.
one, two = folders.next_picture(scene), folders.next_picture(scene)
told["names"] = [one.name, two.name]
folders.release(one)
folders.release(two)
(folder / "a file").write_text("")
settings.output_folder = str(folder / "a file" / "below")
told["unwritable"] = error_of(bpy.ops.mixdiff.generate)
settings.output_folder = "//pictures"
settings.num_inference_steps = 2
bpy.ops.mixdiff.generate()
told["chosen_folder"] = files(scene)[-1]
told["image_path"] = settings.result.filepath

# A copy of a scene gets an image of its own.
copied = scene.copy()
shown = pixels(settings.result)
history.add(
    copied,
    history.path_of(settings.history[0]),
    json.loads(settings.history[0].job),
    history.context_of(settings.history[0]),
)
told["copied_scene"] = [
    copied.mixdiff.result != settings.result,
    bool(np.array_equal(pixels(settings.result), shown)),
]
bpy.data.scenes.remove(copied)

# A job without the scene's own names brings back the canvas alone.
settings.history[0].settings = ""
settings.active_history = 0
settings.model, settings.num_inference_steps = "bundled", 9
bpy.ops.mixdiff.use_settings()
told["from_job"] = [settings.model.endswith("tiny-sd"), settings.num_inference_steps]
bpy.ops.mixdiff.browse_history(direction="NEXT")

# A result goes into the file that was opened again meanwhile.
bpy.ops.wm.save_mainfile()
generation.begin(scene, bpy.context.evaluated_depsgraph_get())
bpy.ops.wm.open_mainfile(filepath=str(folder / "batch.blend"))
before = len(bpy.context.scene.mixdiff.history)
running.wait()
told["reopened"] = len(bpy.context.scene.mixdiff.history) - before
told["reopened_file"] = file_of(bpy.context.scene.mixdiff.result) == str(
    history.path_of(bpy.context.scene.mixdiff.history[-1])
)
report(told)
