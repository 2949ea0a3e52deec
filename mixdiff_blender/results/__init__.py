"""What becomes of a picture in Blender."""
