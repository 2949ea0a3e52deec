"""What `build.py` is made of: environments, the extension's zip, a Blender to run in."""
