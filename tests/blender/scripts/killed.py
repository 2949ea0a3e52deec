"""A Blender that its engine kills in the middle of a picture; and one that comes after it."""

import sys
from typing import Any

import bpy
from scenes import street

report: Any
scene = street()
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[1])
report(list(bpy.ops.mixdiff.generate()))
