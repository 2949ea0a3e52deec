"""Folders of models that are broken, or hostile: an error that names the file, nothing read."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.contract.errors import ModelError
from engine.contract.models import facts_of, require_model
from tests.contract.model_files import SD, TINY_SD, copy_model, write_weights

UNET = "diffusion_pytorch_model.safetensors"


def refusal(folder: Path) -> ModelError:
    facts_of(str(folder))
    with pytest.raises(ModelError) as caught:
        require_model(str(folder), Path())
    assert caught.value.advice
    return caught.value


def text(name: str, content: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text(content)


def without(name: str) -> Callable[[Path], object]:
    def remove(folder: Path) -> None:
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    return remove


def cut(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:2000])


def pipe(name: str) -> Callable[[Path], object]:
    def replace(folder: Path) -> None:
        (folder / name).unlink()
        os.mkfifo(folder / name)

    return replace


def index(values: dict[str, object]) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        path = folder / "model_index.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **values}))

    return change


@pytest.mark.parametrize(
    ("damage", "file", "says"),
    [
        (text("model_index.json", "{not json"), "model_index.json", "is no JSON"),
        (text("model_index.json", "[]"), "model_index.json", "[], not an object"),
        (text("model_index.json", "{}"), "model_index.json", "names no _class_name"),
        (text("model_index.json", '{"_class_name": 3}'), "model_index.json", "no _class_name"),
        (text("model_index.json", "[" * 10**5), "model_index.json", "is no JSON"),
        (text("model_index.json", "9" * 10**5), "model_index.json", "is no JSON"),
        (pipe("model_index.json"), "model_index.json", "no file"),
        (index({"unet": None}), "model_index.json", "no unet"),
        (index({"unet": [None, None]}), "model_index.json", "no unet"),
        (index({"unet": ["os", "system"]}), "model_index.json", '["os", "system"]'),
        (index({"text_encoder": "CLIP"}), "model_index.json", '"CLIP"'),
        (index({"vae": ["diffusers", {}]}), "model_index.json", "as its vae"),
        (without("scheduler"), "", "no folder scheduler"),
        (without("tokenizer"), "", "no folder tokenizer"),
        (without("unet/config.json"), "unet/config.json", "there is no file"),
        (text("unet/config.json", "null"), "unet/config.json", "null, not an object"),
        (text("text_encoder/config.json", "\0"), "text_encoder/config.json", "no JSON"),
        (text("scheduler/scheduler_config.json", "3"), "scheduler/scheduler_config.json", "3"),
        (pipe("vae/config.json"), "vae/config.json", "no file"),
        (text("unet/config.json", '{"layers_per_block": 1000000000}'), "unet/config.json", "more"),
        (
            text("unet/config.json", '{"layers_per_block": [[2, [1000000000]]]}'),
            "unet/config.json",
            "more",
        ),
        (
            text("text_encoder/config.json", '{"num_hidden_layers": 1e9}'),
            "text_encoder/config.json",
            "more",
        ),
        (text("unet/config.json", '{"in_channels": "4"}'), "unet/config.json", "not a number"),
        (text("unet/config.json", '{"sample_size": [8, 8]}'), "unet/config.json", "not a number"),
        (text("vae/config.json", '{"scaling_factor": 0}'), "vae/config.json", "not a number"),
        (
            text("tokenizer/tokenizer_config.json", '{"model_max_length": NaN}'),
            "tokenizer/tokenizer_config.json",
            "not a number",
        ),
        (
            text("scheduler/scheduler_config.json", '{"prediction_type": ["v"]}'),
            "scheduler/scheduler_config.json",
            "epsilon",
        ),
        (without(f"unet/{UNET}"), "unet", "holds no weights"),
        (cut(f"unet/{UNET}"), f"unet/{UNET}", "cut off"),
        (text(f"vae/{UNET}", "version https://git-lfs"), f"vae/{UNET}", "Git's pointer"),
        (pipe(f"vae/{UNET}"), f"vae/{UNET}", "is no file"),
    ],
)
def test_what_is_broken_in_a_folder_is_named(
    damage: Callable[[Path], object], file: str, says: str, tmp_path: Path
) -> None:
    folder = copy_model(tmp_path / "model")
    damage(folder)
    error = refusal(folder)
    assert str(folder / file) in error.message
    assert says in str(error)


def sharded(folder: Path, *names: object) -> Path:
    """Have the network's weights be in several files, as an index says."""
    (folder / "unet" / UNET).unlink()
    places = {f"tensor {number}": name for number, name in enumerate(names)}
    path = folder / "unet" / f"{UNET}.index.json"
    path.write_text(json.dumps({"metadata": {}, "weight_map": places}))
    return path


def test_weights_in_several_files_are_looked_for(tmp_path: Path) -> None:
    folder = copy_model(tmp_path / "model")
    names = [f"diffusion_pytorch_model-0000{n}-of-00002.safetensors" for n in (1, 2)]
    sharded(folder, *names)
    # As the hub's cache has them: links to where the contents lie.
    for name in names:
        stored = write_weights(tmp_path / "blobs" / name, {f"a{n}": (1,) for n in range(9)})
        (folder / "unet" / name).symlink_to(stored)
    require_model(str(folder), Path())
    (tmp_path / "blobs" / names[1]).unlink()
    assert f"{folder / 'unet' / names[1]} is no file" in refusal(folder).message


@pytest.mark.parametrize(
    "name",
    [
        *("../secret.safetensors", "/etc/secret.safetensors", "a/b.safetensors", ".."),
        *("..\\secret.safetensors", "c:\\secret.safetensors", "x.bin", "", 3, None, ["x"]),
    ],
)
def test_an_index_leads_nowhere_but_beside_it(name: object, tmp_path: Path) -> None:
    folder = copy_model(tmp_path / "model")
    write_weights(folder / "secret.safetensors", SD)
    path = sharded(folder, "x.safetensors", name)
    write_weights(folder / "unet" / "x.safetensors", SD)
    error = refusal(folder)
    assert str(path) in error.message
    assert "beside it" in error.message


@pytest.mark.parametrize("places", [None, [], {}, "x"])
def test_an_index_that_says_nothing_is_named(places: object, tmp_path: Path) -> None:
    folder = copy_model(tmp_path / "model")
    path = sharded(folder)
    path.write_text(json.dumps({"weight_map": places}))
    assert str(path) in refusal(folder).message


def test_links_that_lead_in_circles_are_files_that_are_not_there(tmp_path: Path) -> None:
    folder = copy_model(tmp_path / "model")
    (folder / "vae" / "config.json").unlink()
    (folder / "vae" / "config.json").symlink_to(folder / "vae" / "config.json")
    assert str(folder / "vae" / "config.json") in refusal(folder).message


def test_half_precision_alone_is_whole(tmp_path: Path) -> None:
    folder = copy_model(tmp_path / "model")
    for path in folder.rglob("*.safetensors"):
        path.rename(path.with_suffix(".fp16.safetensors"))
    require_model(str(folder), Path())


def test_a_folder_beside_a_single_file_counts_where_it_is_a_models(tmp_path: Path) -> None:
    write_weights(tmp_path / "dream.safetensors", SD)
    beside = tmp_path / "dream"
    beside.mkdir()
    (beside / "picture.txt").write_text("mine")
    require_model("dream.safetensors", tmp_path)
    beside.rename(tmp_path / "pictures")
    copy_model(beside, unet__config={"layers_per_block": 10**9})
    with pytest.raises(ModelError, match="layers_per_block"):
        require_model("dream.safetensors", tmp_path)


@pytest.mark.parametrize(
    "note",
    [
        {"scheduler": ["ddim"]},
        {"scheduler": "no such"},
        {"native_size_px": float("inf"), "num_inference_steps": float("nan")},
        {"native_size_px": 10**300, "largest_size_px": -1, "guidance_scale": "8"},
    ],
)
def test_a_note_that_says_nonsense_is_passed_over(note: dict[str, object], tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(TINY_SD, folder)
    plain = facts_of(str(folder))
    (folder / "mixdiff.json").write_text(json.dumps(note))
    assert facts_of(str(folder)) == plain


def test_a_path_that_no_system_has_is_a_model_that_is_not_there() -> None:
    for name in ("a/" * 5000, "x\0y", "\ud800"):
        assert facts_of(name).family.name == "sd"
        with pytest.raises(ModelError):
            require_model(name, Path())
