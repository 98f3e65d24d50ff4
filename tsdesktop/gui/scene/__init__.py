"""The 3D view: what stands in it, who draws it in a thread of its own, and how the mouse turns it."""
