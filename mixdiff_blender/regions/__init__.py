"""From what a scene holds to rectangles on the canvas."""
