"""Controls and references in a real window: in the panel, and in an editor."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.blender.hosts import CHECKOUT, Host
from tests.blender.windows import window

pytestmark = [pytest.mark.window, pytest.mark.slow, pytest.mark.executable]

_PANELS = "bl_ext.user_default.mixdiff.ui.panels"
_GOOD = "stable-diffusion-v1-5/stable-diffusion-v1-5"


def opened(module: str, panel: str) -> str:
    """Return what opens a panel above all others: no script can scroll to one."""
    return f"""
import bpy
from importlib import import_module
panel = import_module("{_PANELS}.{module}").{panel}
bpy.utils.unregister_class(panel)
panel.bl_options, panel.bl_order = set(), -1
del panel.bl_parent_id
bpy.utils.register_class(panel)
"""


@pytest.mark.timeout(600)
def test_controls_are_added_and_looked_at(
    find_host: Callable[[str], Host], extension_zip: Path, display: str, tmp_path: Path
) -> None:
    blend = tmp_path / "street.blend"
    shutil.copy(CHECKOUT / "examples/street.blend", blend)
    with window(find_host("blender-5.2"), extension_zip, blend, display) as person:
        person.wait_until("the view", lambda told: told["frame"], 120)
        person.script(
            f"{opened('controls', 'ControlsPanel')}\n"
            f"bpy.context.scene.mixdiff.model = {_GOOD!r}\n"
            "bpy.ops.mixdiff.add_control(kind='depth')\n"
            "bpy.ops.mixdiff.add_control(kind='edges')\n"
            "bpy.context.scene.mixdiff.controls[1].scale = 0.5\n"
            "bpy.ops.mixdiff.preview_control(kind='depth')\n"
            "bpy.ops.mixdiff.preview_control(kind='edges')\n"
        )
        person.let_it_see()
        person.do("xdotool", "mousemove", "300", "820")
        time.sleep(4)
        before = person.shot("controls-panel")
        person.script(
            f"{opened('references', 'ReferencesPanel')}\n"
            "image = next(one.name for one in bpy.data.images if 'Depth' in one.name)\n"
            "bpy.context.scene.mixdiff.controls.clear()\n"  # which leaves room
            "bpy.ops.mixdiff.add_reference(image=image)\n"
            "bpy.ops.mixdiff.add_reference()\n"
            "bpy.context.scene.mixdiff.references[0].scale = 0.75\n"
        )
        person.let_it_see()
        time.sleep(4)
        assert (person.shot("references-panel") != before).mean() > 0.01
        for kind in ("depth", "normal", "edges", "segmentation"):
            person.script(
                f"import bpy\nbpy.ops.mixdiff.preview_control(kind='{kind}', in_editor=True)\n"
            )
            person.let_it_see()
            time.sleep(3)
            seen = person.shot(f"controls-{kind}")
            assert seen.std() > 10
