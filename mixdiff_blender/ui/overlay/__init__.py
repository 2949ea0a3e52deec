"""What the regions cover, drawn over the camera's view: outlines, names and how weights fade."""
