"""What the engine and the add-on agree on: the job, its validation, the wire, the errors.

Imports the standard library alone, so that it also runs inside Blender and without torch.
"""
