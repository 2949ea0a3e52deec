"""Every field and option for a path understands it as people write it."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import pytest
from addon import history, preferences, scripting
from scenes import TINY_SD, add_region

HOSTS = "oldest and newest"


@pytest.fixture
def places(scene: Any, camera: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a project, a home, and where Blender was started."""
    for name in ("project/deep", "home/deep", "start/deep"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "start")
    add_region("region", "sand")
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "project" / "a.blend"))
    return tmp_path


WRITTEN = {
    "//deep/{}": "project/deep/{}",
    "//deep\\{}": "project/deep/{}",
    "~/deep/{}": "home/deep/{}",
    "~\\deep\\{}": "home/deep/{}",
    "//../home/deep/{}": "home/deep/{}",
}


def exported(path: str) -> Path:
    return scripting.export_job(path)


def with_model(path: str) -> Path:
    return Path(scripting.job(model=path)["model"])


def of_scene(path: str) -> Path:
    bpy.context.scene.mixdiff.model = path
    return Path(str(scripting.job()["model"]).replace("\\", "/")).expanduser()


def chosen_python(path: str) -> Path:
    chosen = SimpleNamespace(engine_python=path)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(preferences, "_preferences", lambda: chosen)
        return Path(preferences.engine_python())


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("field", [exported, with_model, of_scene, chosen_python])
def test_a_path_is_where_people_mean(
    field: Callable[[str], Path], written: str, places: Path
) -> None:
    name = "deep.json" if field is exported else "tiny"
    wanted = places / WRITTEN[written].format(name)
    if field in (with_model, of_scene):
        wanted.symlink_to(TINY_SD)
    assert field(written.format(name)).resolve() == wanted.resolve()


@pytest.mark.parametrize("written", WRITTEN)
def test_a_picture_is_found_where_people_mean(written: str, places: Path) -> None:
    scripting.generate(output=written.format("a.png"))
    wanted = places / WRITTEN[written].format("a.png")
    assert wanted.is_file()
    bpy.context.scene.mixdiff.history.clear()
    bpy.ops.mixdiff.load_picture(filepath=written.format("a.png"))
    (entry,) = bpy.context.scene.mixdiff.history
    assert history.path_of(entry) == wanted
    bpy.ops.mixdiff.add_image_region(filepath=written.format("a.png"))
    region = bpy.context.object.mixdiff
    assert Path(scripting.job()["regions"][-1]["reference_image"]) == wanted
    region.reference_image.filepath_raw = written.format("a.png")
    assert Path(scripting.job()["regions"][-1]["reference_image"]) == wanted


def test_plain_paths_of_scripts_start_where_blender_did(places: Path) -> None:
    assert scripting.export_job("deep/job.json") == places / "start/deep/job.json"
    (places / "start" / "tiny").symlink_to(TINY_SD)
    assert scripting.job(model="tiny")["model"] == str(places / "start" / "tiny")
