"""The version of the program. Here, so that every room can name it; `import tsdesktop` gives it too."""

__version__ = "0.1.0"
# Where its source and releases are published: "https://github.com/OWNER/NAME". `installer/build.py` writes it into the
# programs it makes. Where it is empty, nothing can be asked for newer versions and the window does not offer it.
REPOSITORY = ""
