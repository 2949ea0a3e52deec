"""Which model a LoRA was made for, by the names and shapes of its tensors; no tensor is read.

Trainers write the same layers by several names (diffusers', kohya's, ComfyUI's), which agree but
for dots and underscores.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from .families import FAMILIES
from .weights import Shapes

# The two matrices of a LoRA's layer, whose names are written with dots alone here.
_DOWN = re.compile(r"lora\d?\.(?:linear\.layer\.)?(?:down|A)\b")
_UP = re.compile(r"lora\d?\.(?:linear\.layer\.)?(?:up|B)\b")
_FLUX2 = frozenset({"flux2", "flux2_klein"})
_UNETS = frozenset({"sd", "sdxl"})
# Signs by which a family is told whatever its sizes are; the first that is found counts.
_SIGNS = (
    (frozenset({"krea2"}), r"\b(?:txtfusion|text\.fusion)\b|\bblocks\.\d+\.attn\.w[qkvo]\b"),
    (
        frozenset({"krea2"}),
        r"\btransformer\.blocks\.\d+\.(?:attn\.to\.gate|ff\.(?:gate|up|down))\b",
    ),
    (frozenset({"z_image"}), r"\b(?:context|noise)\.refiner\b|\bcap\.embedder\b"),
    (frozenset({"z_image"}), r"\blayers\.\d+\.(?:attention|feed\.forward|adaLN)\b"),
    (frozenset({"qwen_image"}), r"\btransformer\.blocks\.\d+\.(?:img|txt)\.(?:mlp|mod)\b"),
    (_FLUX2, r"\b(?:single|double)\.stream\.modulation\b|\bto\.qkv\.mlp\.proj\b"),
    (_FLUX2, r"\btransformer\.blocks\.\d+\.ff(?:\.context)?\.linear\.(?:in|out)\b"),
    (frozenset({"sd3"}), r"\bjoint\.blocks\.\d+\b"),
    (
        frozenset({"sdxl"}),
        r"\blora\.te2\.text\b|\bunet\..*\battentions\.\d+\.transformer\.blocks\.[1-9]",
    ),
    (frozenset({"sdxl"}), r"\b(?:in|out)put\.blocks\.\d+\.1\.transformer\.blocks\.[1-9]"),
)
_FLUX = r"\b(?:single\.transformer\.blocks|single\.blocks|double\.blocks)\.\d+\b"
_UNET = r"\b(?:(?:down|up|input|output)\.blocks\.\d+|(?:mid|middle)\.block)\b"
_JOINED = r"\btransformer\.blocks\.(\d+)\.attn\.(?:add\.[qkv]\.proj|to\.add\.out|to\.[qkv])\b"
# How many times wider than the network a layer of FLUX.2 is, and the same layer of FLUX.1.
_WIDER = ((r"\bsingle\.blocks\.\d+\.linear1\b", 9, 7), (r"\bimg\.mlp\.0\b", 6, 4))
_FLUX1_BLOCKS, _QWEN_BLOCKS = 19, 38
_MOST_FLUX2_BLOCKS = 8
_KLEIN_WIDTHS, _DEV_WIDTH = (3072, 4096), 6144
_SD3_WIDTHS = (1536, 2432)
_TEXT_WIDTHS = {768: frozenset({"sd"}), 1024: frozenset({"sd"}), 2048: frozenset({"sdxl"})}
# How trainers name the model that a LoRA was trained on, in small letters and without punctuation.
_NAMED = (
    (r"^(?:stablediffusionxl|sdxl)", "sdxl"),
    (r"^(?:stablediffusion3|sd3)", "sd3"),
    (r"^(?:stablediffusionv?[12]|sdv?[12])", "sd"),
    (r"^flux2.*klein", "flux2_klein"),
    (r"^flux2", "flux2"),
    (r"^flux", "flux"),
    (r"^qwenimage", "qwen_image"),
    (r"^zimage", "z_image"),
    (r"^krea2", "krea2"),
)
_MODEL_KEYS = ("modelspec.architecture", "ss_base_model_version")


def families_of_lora(shapes: Shapes, metadata: Mapping[str, str]) -> frozenset[str]:
    """Return the names of the families that a LoRA may be made for; empty where nothing says."""
    plain = {re.sub(r"[._]+", ".", name): shape for name, shape in shapes.items()}
    found = _by_names(plain)
    named = _by_metadata(metadata)
    return named if named and (not found or named <= found) else found


def titles_of(families: frozenset[str]) -> str:
    """Return families as a person names them."""
    return " or ".join(family.title for name, family in FAMILIES.items() if name in families)


def _by_names(plain: Shapes) -> frozenset[str]:
    text = "\n".join(plain)
    for families, sign in _SIGNS:
        if re.search(sign, text):
            return _by_width(plain) if families == _FLUX2 else families
    if re.search(_FLUX, text):
        return _flux(plain)
    if re.search(_UNET, text):
        return _unet(plain)
    if blocks := [int(number) for number in re.findall(_JOINED, text)]:
        return _joined(plain, max(blocks) + 1)
    return frozenset()


def _flux(plain: Shapes) -> frozenset[str]:
    """Return which FLUX: their blocks have the same names in the authors' own layout."""
    for part, two, one in _WIDER:
        for taken, given in zip(_inputs(plain, part), _outputs(plain, part), strict=False):
            if given == two * taken:
                return _by_width(plain)
            if given == one * taken:
                return frozenset({"flux"})
    blocks = re.findall(r"\bdouble\.blocks\.(\d+)", "\n".join(plain))
    is_first = any(re.search(r"\bsingle\.transformer\.blocks\b", name) for name in plain)
    if is_first or any(int(number) >= _MOST_FLUX2_BLOCKS for number in blocks):
        return frozenset({"flux"})
    return frozenset({"flux", *_FLUX2})


def _by_width(plain: Shapes) -> frozenset[str]:
    widths = _inputs(
        plain, r"\bto\.(?:qkv\.mlp\.proj|[qkv])\b|\blinear1\b|\battn\.qkv\b|\bmlp\.0\b"
    )
    if _DEV_WIDTH in widths:
        return frozenset({"flux2"})
    is_klein = any(width in _KLEIN_WIDTHS for width in widths)
    return frozenset({"flux2_klein"}) if is_klein else _FLUX2


def _unet(plain: Shapes) -> frozenset[str]:
    """Return which UNet, by the width of the texts that it sees."""
    for width in _inputs(plain, r"\battn2\.(?:processor\.)?to\.[kv]\b"):
        if width in _TEXT_WIDTHS:
            return _TEXT_WIDTHS[width]
    return _UNETS


def _joined(plain: Shapes, blocks: int) -> frozenset[str]:
    """Return which of those whose attention sees picture and text together."""
    if any(width in _SD3_WIDTHS for width in _inputs(plain, _JOINED)):
        return frozenset({"sd3"})
    if blocks > _QWEN_BLOCKS:
        return frozenset({"qwen_image"})
    if blocks > _FLUX1_BLOCKS:
        return frozenset({"qwen_image", "sd3"})
    return frozenset({"qwen_image", "sd3", "flux", *_FLUX2, "krea2"})


def _inputs(plain: Shapes, part: str) -> list[int]:
    """Return how many values the layers of a kind take."""
    return [s[1] for n, s in plain.items() if len(s) > 1 and re.search(part, n) and _DOWN.search(n)]


def _outputs(plain: Shapes, part: str) -> list[int]:
    """Return how many values the layers of a kind give."""
    return [s[0] for n, s in plain.items() if len(s) > 1 and re.search(part, n) and _UP.search(n)]


def _by_metadata(metadata: Mapping[str, str]) -> frozenset[str]:
    for key in _MODEL_KEYS:
        named = re.sub(r"[^a-z0-9]", "", metadata.get(key, "").lower().partition("/")[0])
        for sign, family in _NAMED:
            if re.search(sign, named):
                return frozenset({family})
    return frozenset()
