"""Pictures of materials and simple scenes, painted with numpy from a seed."""
