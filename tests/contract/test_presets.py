"""Presets: files that people pass on, read strictly and lost in nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from engine.contract.errors import EngineError
from engine.contract.presets import Preset, preset_file, read_preset

ROOT = Path(__file__).parents[2]
COMING_ALONG = sorted((ROOT / "mixdiff_blender/presets").glob("*.json"))


def written(at: Path, content: Any) -> Path:
    path = at / "mine.json"
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_text(text, encoding="utf-8")
    return path


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    preset = Preset(
        name="Évening",
        prompt="{prompt} at dusk",
        negative_prompt="",
        model="owner/name",
        scheduler="own",
        num_inference_steps=4,
        guidance_scale=1.5,
    )
    preset_file(preset).write(tmp_path / "mine.json")
    read = read_preset(tmp_path / "mine.json")
    assert (read.preset, read.warnings) == (preset, ())


def test_what_a_preset_leaves_out_is_in_no_file(tmp_path: Path) -> None:
    file = preset_file(Preset(name="Words", prompt="ink"))
    assert file.document == {"mixdiff_preset": 1, "name": "Words", "prompt": "ink"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": ""}, "name: the text is empty"),
        ({"name": "two\nlines"}, "name: .* is no name"),
        ({"name": "x" * 81}, "name: .* at most 80 letters"),
        ({"prompt": 3}, "prompt: 3 is not a text"),
        ({"num_inference_steps": 0}, "num_inference_steps: 0 is below 1"),
        ({"num_inference_steps": 10**9}, "num_inference_steps: 1000000000 is above 999"),
        ({"guidance_scale": -1}, "guidance_scale: -1 is negative"),
        ({"guidance_scale": True}, "guidance_scale: true is not a number"),
        ({"scheduler": "eulr"}, "scheduler: .*'euler'"),
        ({"model": " "}, "model: the text is empty"),
        ({"mixdiff_preset": 2}, "mixdiff_preset: .* version 2, and this MixDiff reads 1; install"),
        ({"mixdiff_preset": "1"}, 'mixdiff_preset: "1" is not a whole number'),
        ({"prompt": 1, "model": 2}, "prompt: 1 .*\nmodel: 2 "),
    ],
)
def test_what_is_wrong_is_said_at_its_key(
    changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    path = written(tmp_path, {"mixdiff_preset": 1, "name": "Mine", **changes})
    with pytest.raises(EngineError, match=rf"mine\.json: {message}") as raised:
        read_preset(path)
    assert raised.value.kind == "preset"


@pytest.mark.parametrize(
    "content",
    [
        *("", "[]", "{", "null", '"text"', "[" * 100_000, "import bpy"),
        {"name": "no version"},
        {"canvas_height": 64, "canvas_width": 64, "regions": []},
        '{"mixdiff_preset": 1, "name": "a", "name": "b"}',
        '{"mixdiff_preset": 1, "name": "' + "x" * 2**21 + '"}',
    ],
)
def test_a_file_that_is_no_preset_is_refused_by_its_name(content: Any, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"mine\.json") as raised:
        read_preset(written(tmp_path, content))
    assert raised.value.kind == "preset"
    assert len(str(raised.value)) < 300


def test_a_file_that_cannot_be_opened_is_said(tmp_path: Path) -> None:
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(EngineError, match="cannot be read") as raised:
            read_preset(path)
        assert raised.value.kind == "preset"


def test_unknown_keys_are_warned_of_and_kept(tmp_path: Path) -> None:
    document = {"mixdiff_preset": 1, "name": "Mine", "style": "ink", "steps": 3, "author": "me"}
    file = read_preset(written(tmp_path, document))
    assert [(p.field, p.severity) for p in file.warnings] == [
        *(("style", "warning"), ("steps", "warning"), ("author", "warning"))
    ]
    assert "'prompt'" in str(file.warnings[0])
    assert "'num_inference_steps'" in str(file.warnings[1])
    file.named("Yours").write(tmp_path / "yours.json")
    again = json.loads((tmp_path / "yours.json").read_text())
    assert again == {**document, "name": "Yours"}


def test_presets_that_cannot_be_are_not_made() -> None:
    with pytest.raises(EngineError, match="name: the text is empty"):
        preset_file(Preset(name=""))


@pytest.mark.parametrize("path", COMING_ALONG, ids=lambda path: path.stem)
def test_what_comes_along_goes_with_any_model(path: Path) -> None:
    file = read_preset(path)
    assert file.warnings == ()
    assert set(file.document) == {"mixdiff_preset", "name", "prompt", "negative_prompt"}
    assert path.stem == file.preset.name.lower().replace(" ", "-")
    assert "{" not in str(file.preset.prompt)


def test_the_page_on_presets_shows_one(tmp_path: Path) -> None:
    page = (ROOT / "docs/presets.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```json\n([^`]*mixdiff_preset[^`]*)```", page)
    assert read_preset(written(tmp_path, shown)).warnings == ()


def test_a_handful_comes_along() -> None:
    assert {"watercolour", "ink-drawing", "photograph"} <= {path.stem for path in COMING_ALONG}
