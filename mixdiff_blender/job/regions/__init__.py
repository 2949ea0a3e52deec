"""Where on the canvas the things of a scene lie."""
