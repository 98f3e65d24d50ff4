"""Dialogs: each does one thing and closes; none blocks the window."""
