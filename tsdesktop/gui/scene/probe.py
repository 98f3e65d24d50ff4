"""Can VTK draw here? Asked in a process of its own, since without a working OpenGL VTK ends the process that asks.

That process tries one kind of window, off the main thread as the view does, and prints what it found as JSON.
"""

from __future__ import annotations

import ctypes
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache

from tsdesktop.runs.executable import own_command

log = logging.getLogger(__name__)

WINDOW_VARIABLE = "VTK_DEFAULT_OPENGL_WINDOW"
# What the environment of the trying process says, and `tsdesktop.__main__` understands.
HALF_VARIABLE, GRAPHICS_HALF = "TSDESKTOP_HALF", "try-graphics"
_PATIENCE_S = 20.0
# EGL needs no display and works under Wayland; GLX reaches graphics cards whose driver has no EGL.
_LINUX_WINDOWS = ("vtkEGLRenderWindow", "vtkXOpenGLRenderWindow", "vtkOSOpenGLRenderWindow")
_SOFTWARE = ("llvmpipe", "softpipe", "swrast", "software", "swr", "microsoft basic render", "gdi generic")


@dataclass(frozen=True)
class Graphics:
    """What draws 3D here: VTK's window class ("" when VTK cannot), the renderer's name, whether it is a card."""

    window_class: str
    renderer: str
    hardware: bool


PROCESSOR = Graphics("", "processor", False)


@cache
def graphics() -> Graphics:
    """The best that works here: a graphics card, else OpenGL by the processor, else no OpenGL. Takes about a second."""
    best = PROCESSOR
    for window_class in _candidates():
        found = _probe(window_class)
        if found is not None and (found.hardware or not best.window_class):
            best = found
        if best.hardware:
            break
    log.info("3D is drawn by %s (%s)", best.renderer, best.window_class or "no OpenGL")
    return best


def is_software(renderer: str) -> bool:
    """Whether an OpenGL renderer of this name is the processor in disguise."""
    return any(name in renderer.lower() for name in _SOFTWARE)


def _candidates() -> tuple[str, ...]:
    if not sys.platform.startswith("linux"):
        return ("vtkWin32OpenGLRenderWindow",) if sys.platform == "win32" else ("vtkCocoaRenderWindow",)
    if os.environ.get("DISPLAY"):
        return _LINUX_WINDOWS
    return tuple(each for each in _LINUX_WINDOWS if "XOpenGL" not in each)


def _probe(window_class: str) -> Graphics | None:
    """What a window of this class reports; None when it does not work."""
    command, environment = [*own_command(), window_class], {**os.environ, HALF_VARIABLE: GRAPHICS_HALF}
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=_PATIENCE_S, check=False, text=True, env=environment
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = done.stdout.strip().splitlines()
    if done.returncode != 0 or not lines:
        return None
    try:
        return Graphics(**json.loads(lines[-1]))
    except (ValueError, TypeError):
        return None


def load_driver(window_class: str) -> None:
    """Loads the graphics driver while other threads go on: VTK would hold Python's lock for 50 ms and more."""
    if window_class != "vtkEGLRenderWindow":
        return
    try:
        egl = ctypes.CDLL("libEGL.so.1")
        egl.eglGetDisplay.restype = ctypes.c_void_p
        egl.eglInitialize.argtypes = [ctypes.c_void_p] * 3
        egl.eglInitialize(egl.eglGetDisplay(None), None, None)
    except (OSError, AttributeError):
        log.debug("EGL could not be loaded beforehand", exc_info=True)


def renderer_of(capabilities: str) -> str:
    """The renderer's name from what VTK's window reports."""
    for line in capabilities.splitlines():
        if line.startswith("OpenGL renderer string:"):
            return line.split(":", 1)[1].strip()
    return "unknown"


def _try(window_class: str, answers: list[Graphics]) -> None:
    os.environ[WINDOW_VARIABLE] = window_class
    import vtkmodules.vtkRenderingOpenGL2
    from vtkmodules.vtkRenderingCore import vtkRenderer, vtkRenderWindow

    window = vtkRenderWindow()
    window.SetOffScreenRendering(1)
    window.SetMultiSamples(0)
    window.SetSize(32, 32)
    window.AddRenderer(vtkRenderer())
    window.Render()
    if window.GetClassName() == window_class and window.SupportsOpenGL():
        renderer = renderer_of(window.ReportCapabilities())
        answers.append(Graphics(window_class, renderer, not is_software(renderer)))
    window.Finalize()
    del vtkmodules


def serve(arguments: Sequence[str]) -> int:
    """Tries the window class that the arguments name. Returns the exit code."""
    answers: list[Graphics] = []
    thread = threading.Thread(target=_try, args=(arguments[0], answers))
    thread.start()
    thread.join()
    if not answers:
        return 1
    sys.stdout.write(json.dumps(asdict(answers[0])) + "\n")
    return 0
