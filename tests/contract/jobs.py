"""Jobs for the tests of the contract."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from engine.contract.controls import CONTROL_AREAS, CONTROL_KINDS
from engine.contract.job import MASK_AREAS, MASK_TYPES, REROLL_MODES
from engine.contract.prompt_syntax import PROMPT_SYNTAXES
from engine.contract.schedulers import SCHEDULERS

ANY_STEPS = [name for name, one in SCHEDULERS.items() if one.most_steps is None]


def right_job() -> dict[str, Any]:
    """Return a job with nothing wrong in it."""
    return {
        "seed": 7178915308,
        "canvas_height": 64,
        "canvas_width": 128,
        "regions": [
            {
                "type": "text2image",
                "row_init": 0,
                "row_end": 64,
                "col_init": 0,
                "col_end": 128,
                "prompt": "a road",
            }
        ],
        "reroll_regions": [
            {"row_init": 0, "row_end": 8, "col_init": 0, "col_end": 8, "region_seed": 7}
        ],
    }


SEEDS = st.none() | st.integers(0, 2**64 - 1)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
NUMBERS = st.floats(0, 100) | st.integers(0, 100)


@st.composite
def places(draw: st.DrawFn) -> dict[str, int]:
    """Draw a rectangle on a canvas of 512 × 512."""
    rows = sorted(draw(st.lists(st.integers(0, 64), min_size=2, max_size=2, unique=True)))
    columns = sorted(draw(st.lists(st.integers(0, 64), min_size=2, max_size=2, unique=True)))
    names = ("row_init", "row_end", "col_init", "col_end")
    return dict(zip(names, (8 * side for side in (*rows, *columns)), strict=True))


@st.composite
def jobs(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a job with nothing wrong in it, whose keys may be left out at random."""

    def some(required: dict[str, Any], optional: dict[str, st.SearchStrategy[Any]]) -> Any:
        chosen = {key: draw(values) for key, values in optional.items() if draw(st.booleans())}
        return {**required, **chosen}

    own = {"region_seed": SEEDS, "noise_eps": NUMBERS, "id": TEXTS}
    masked = {
        **own,
        "mask": st.none() | TEXTS.filter(str.strip),
        "mask_area": st.sampled_from(MASK_AREAS),
    }
    lora = st.fixed_dictionaries(
        {"lora": TEXTS.filter(str.strip), "weight": st.floats(-10, 10), "sha256": TEXTS}
    )
    text: dict[str, st.SearchStrategy[Any]] = {
        **masked,
        "loras": st.lists(lora, max_size=2),
        "prompt": TEXTS,
        "negative_prompt": st.none() | TEXTS,
        "guidance_scale": st.none() | NUMBERS,
        "mask_type": st.sampled_from(MASK_TYPES),
        "mask_weight": NUMBERS,
        "feather_px": st.integers(0, 512),
    }
    image = {
        **masked,
        "strength": st.floats(0, 1),
        "strength_map": st.none() | TEXTS.filter(str.strip),
    }
    reroll = {**own, "reroll_mode": st.sampled_from(REROLL_MODES)}
    files = TEXTS.filter(str.strip)
    control = {
        "kind": st.sampled_from(CONTROL_KINDS),
        "image": files,
        "model": files.filter(lambda name: len(name) < 99),
        "scale": st.floats(0, 10),
        "start": st.floats(0, 0.4),
        "end": st.floats(0.5, 1),
    }
    own_control = {**control, "area": st.sampled_from(CONTROL_AREAS)}
    text["controls"] = st.lists(st.fixed_dictionaries(own_control), max_size=2)
    shared = {name: control[name] for name in ("image", "model", "start", "end")}
    followed = st.fixed_dictionaries({**shared, "scale": st.just(0)})
    text["references"] = st.lists(followed, max_size=2)
    regions = [some({"type": "text2image", **draw(places())}, text)]
    for _ in range(draw(st.integers(0, 3))):
        if draw(st.booleans()):
            regions.append(some({"type": "text2image", **draw(places())}, text))
        else:
            reference = {"reference_image": draw(TEXTS.filter(str.strip))}
            regions.append(some({"type": "image2image", **draw(places()), **reference}, image))
    rerolls = [some(draw(places()), reroll) for _ in range(draw(st.integers(0, 2)))]
    kept = st.fixed_dictionaries(
        {
            **{"picture": files, "regions": st.just([]), "mask": files},
            "strength": st.floats(0, 0.9),
        }
    )
    second_pass = st.fixed_dictionaries({"picture": files, "strength": st.floats(0, 0.9)})
    return some(
        {"canvas_height": 512, "canvas_width": 512, "regions": regions},
        {
            "version": st.just(1),
            "model": st.none() | TEXTS.filter(str.strip),
            "scheduler": st.none() | st.sampled_from(ANY_STEPS),
            "max_region_px": st.none() | st.integers(64, 2048),
            "num_inference_steps": st.integers(1, 999),
            "seed": SEEDS,
            "wrap": st.sampled_from(["none", "x", "y", "both"]),
            "negative_prompt": TEXTS,
            "prompt_syntax": st.sampled_from(PROMPT_SYNTAXES),
            "loras": st.lists(lora, max_size=2),
            "reroll_regions": st.just(rerolls),
            "cpu_vae": st.booleans(),
            "base_prompt": TEXTS,
            "base_guidance_scale": NUMBERS,
            "base_strength": st.floats(0, 1),
            "base_end": st.floats(0, 1),
            "controls": st.lists(st.fixed_dictionaries(control), max_size=2),
            "references": st.lists(followed, max_size=2),
            "kept": st.none() | kept,
            "second_pass": st.none() | second_pass,
            "decode_steps": st.booleans(),
            "noise_device": st.sampled_from(["cpu", "device"]),
        },
    )
