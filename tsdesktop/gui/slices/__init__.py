"""The linked slice views: what they show, how the mouse moves in it, and measurements."""
