"""Saves a small street, with a packed picture as a region."""

import sys
from typing import Any

import bpy
from scenes import add_region, street

report: Any
scene = street()
photo = add_region("photo", size=(1, 1)).mixdiff
photo.type, photo.strength = "image2image", 0.5
photo.reference_image = bpy.data.images.new("painted", 8, 8)
photo.reference_image.pack()
scene.mixdiff.cpu_vae = True
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[1])
report(None)
