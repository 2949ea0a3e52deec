"""`blender -b FILE.blend -c mixdiff …`."""
