"""The engine as this Blender sees it: its process, its queue, its installation, its models."""
