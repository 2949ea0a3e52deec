"""The list of a region's LoRAs at a real window, with what is wrong said there."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.blender.hosts import CHECKOUT, Host
from tests.blender.windows import window
from tests.contract.model_files import write_weights

pytestmark = [pytest.mark.window, pytest.mark.slow, pytest.mark.executable]

SIDEBAR = slice(1030, 1300)  # columns of the screen
ALONE = """
from importlib import import_module
panels = "bl_ext.user_default.mixdiff.ui.panels."
for name in ("loras", "region", "regions", "canvas", "results"):
    for cls in reversed(import_module(panels + name).CLASSES):
        bpy.utils.unregister_class(cls)
for cls in import_module(panels + "region").CLASSES[:1]:
    bpy.utils.register_class(cls)
for cls in import_module(panels + "loras").CLASSES[:1]:
    cls.bl_options, cls.bl_idname = set(), cls.bl_idname + "_open"  # else it is as it was
    bpy.utils.register_class(cls)
"""


@pytest.mark.timeout(400)
def test_a_region_lists_its_loras_and_says_what_is_wrong_with_them(
    find_host: Callable[[str], Host], extension_zip: Path, display: str, tmp_path: Path
) -> None:
    blend = tmp_path / "street.blend"
    shutil.copy(CHECKOUT / "examples/street.blend", blend)
    layer = "unet.mid_block.attentions.0.transformer_blocks.0.attn2.to_k"
    fits = {f"{layer}.lora_A.weight": (4, 768), f"{layer}.lora_B.weight": (1280, 4)}
    ink = write_weights(tmp_path / "ink.safetensors", fits)
    layer = "diffusion_model.single_blocks.0.linear1"
    foreign = {f"{layer}.lora_A.weight": (4, 3072), f"{layer}.lora_B.weight": (21504, 4)}
    chalk = write_weights(tmp_path / "chalk.safetensors", foreign)
    with window(find_host("blender-5.2"), extension_zip, blend, display) as person:
        person.wait_until("the regions", lambda told: len(told["read"]) == 6, 200)
        person.script(
            f"{ALONE}\n"
            "scene = bpy.context.scene\n"
            "scene.mixdiff.active_region = 1\n"
            "region = scene.mixdiff.regions[1].object.mixdiff\n"
            f"for path, weight in (({str(ink)!r}, 0.8), ('owner/name', 1.2)):\n"
            "    line = region.loras.add()\n"
            "    line.lora, line.weight = path, weight\n"
        )
        time.sleep(10)  # until the job is read, and drawn
        before = person.shot("loras")
        person.script(
            "region = bpy.context.scene.mixdiff.regions[1].object.mixdiff\n"
            f"region.loras[1].lora = {str(chalk)!r}\n"
        )
        time.sleep(10)  # until the job is read, and drawn
        after = person.shot("a lora for another model")
        assert (before[:, SIDEBAR] != after[:, SIDEBAR]).any(axis=2).sum() > 500
