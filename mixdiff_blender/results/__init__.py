"""From a finished picture to what Blender can use."""
