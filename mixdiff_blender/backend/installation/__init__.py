"""Makes the engine's own Python environment; knows nothing of Blender."""
