"""The version of the program. Here, so that every room can name it; `import tsdesktop` gives it too."""

__version__ = "0.1.0"
