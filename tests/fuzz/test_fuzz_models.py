"""Models on disks: one that runs, or what is wrong with it; nothing outside is looked at."""

from __future__ import annotations

import json
import shutil
import struct
from contextlib import suppress
from pathlib import Path

from hypothesis import strategies as st

from engine.contract.errors import EngineError, ModelError
from engine.contract.models import facts_of, require_model
from engine.families.loading import load_model
from engine.runtime.devices import choose_device
from tests.contract.model_files import SD, SDXL, TINY_SD, write_gguf_header, write_weights
from tests.contract.test_foreign_models import FILES
from tests.fuzz.fuzzing import Draw, as_json, fuzz, garbled, mutated, nothing_opened_outside

CPU = choose_device("cpu", "float32")
NAMES = [
    "../secret.safetensors",
    "/etc/passwd",
    "secret",
    "..",
    "",
    "a.safetensors",
    "\0",
    "x" * 300,
]


def test_a_header_is_read_or_says_why_not(seconds: float, tmp_path: Path) -> None:
    folder = tmp_path / "models"
    path = folder / "model.safetensors"
    kinds = [dict(shapes) for shapes, _ in FILES.values()]

    def one(draw: Draw) -> None:
        shapes = draw.draw(st.sampled_from([SD, SDXL, *kinds]))
        content = write_weights(path, shapes).read_bytes()
        (length,) = struct.unpack("<Q", content[:8])
        if draw.draw(st.booleans()):
            header = as_json(mutated(draw, json.loads(content[8 : 8 + length])))
            content = struct.pack("<Q", len(header)) + header + content[8 + length :]
        path.write_bytes(garbled(draw, content))
        with nothing_opened_outside(folder):
            facts_of(str(path))
            with suppress(ModelError):
                require_model(str(path), folder)

    fuzz(one, seconds)


def test_a_header_of_gguf_is_read_or_says_why_not(seconds: float, tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    path = folder / "model.gguf"
    kinds = [dict(shapes) for shapes, _ in FILES.values()]

    def one(draw: Draw) -> None:
        shapes = draw.draw(st.sampled_from(kinds))
        content = write_gguf_header(path, shapes, kind=draw.draw(st.integers(0, 40))).read_bytes()
        path.write_bytes(garbled(draw, content))
        with nothing_opened_outside(folder):
            facts_of(str(path))
            with suppress(ModelError):
                require_model(str(path), folder)

    fuzz(one, seconds)


def damaged(draw: Draw, folder: Path) -> None:
    """Make anew a small model, and damage a few of its files."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(TINY_SD, folder)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for _ in range(draw.draw(st.integers(1, 2))):
        path = draw.draw(st.sampled_from(files))
        how = draw.draw(
            st.sampled_from(["json", "json", "bytes", "gone", "link", "folder", "index"])
        )
        if how == "index":
            names = draw.draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3))
            document = {"weight_map": dict(enumerate(names))}
            index = path.parent / "diffusion_pytorch_model.safetensors.index.json"
            index.write_bytes(as_json(mutated(draw, document)))
        elif how == "json" and path.suffix == ".json" and path.is_file():
            with suppress(ValueError):
                path.write_bytes(as_json(mutated(draw, json.loads(path.read_bytes()))))
        elif how == "bytes" and path.is_file():
            path.write_bytes(garbled(draw, path.read_bytes()))
        elif path.is_file() or path.is_symlink():
            path.unlink()
            if how == "link":
                path.symlink_to(draw.draw(st.sampled_from([path, folder, folder / "nowhere"])))
            elif how == "folder":
                path.mkdir()


def test_a_folder_is_a_model_or_says_why_not(seconds: float, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    write_weights(tmp_path / "secret.safetensors", SD)

    def one(draw: Draw) -> None:
        damaged(draw, folder)
        with nothing_opened_outside(folder):
            facts_of(str(folder))
            with suppress(ModelError):
                require_model(str(folder), tmp_path)

    fuzz(one, seconds)


def test_a_folder_is_loaded_or_says_why_not(seconds: float, tmp_path: Path) -> None:
    folder = tmp_path / "model"

    def one(draw: Draw) -> None:
        damaged(draw, folder)
        with suppress(EngineError):
            load_model(str(folder), CPU)

    fuzz(one, seconds)
