"""Numbers as people read them: times, sizes, volumes, intensities. The language decides the decimal mark."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QCoreApplication, QLocale

from tsdesktop.core.volume import Volume
from tsdesktop.gui.windowing import Window

# Narrow and never broken at the end of a line.
SPACE = "\u202f"


def about_text(seconds: float) -> str:
    """A time to expect, no finer than it can be known: "4 s", "20 s", "2 min", "1 h 20 min"."""
    if seconds < 10:
        return f"{max(1, round(seconds))} s"
    if seconds < 57.5:
        return f"{5 * round(seconds / 5)} s"
    minutes = max(1, round(seconds / 60))
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(5 * round(minutes / 5), 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def countdown_text(seconds: float) -> str:
    """A time that runs down: "3 min 10 s", "45 s"; by ten seconds above two minutes, so that it does not flicker."""
    whole = max(1, round(seconds))
    if whole >= 120:
        whole = 10 * round(whole / 10)
    minutes, rest = divmod(whole, 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes and rest else f"{minutes} min" if minutes else f"{rest} s"


def size_text(size_bytes: float) -> str:
    """The size of a download: "85 MB", "1.2 GB"."""
    if size_bytes >= 999.5e6:
        return f"{decimal(size_bytes / 1e9, 1)} GB"
    return f"{max(1, round(size_bytes / 1e6))} MB"


def volume_text(ml: float) -> str:
    """A volume with three figures: "61.4 ml", "402 ml", "1 092 ml"."""
    if 0 < ml < 0.01:
        return f"<{SPACE}{decimal(0.01, 2)} ml"
    digits = 0 if ml >= 99.95 else 1 if ml >= 9.995 else 2 if ml else 0
    return f"{decimal(ml, digits)} ml"


def decimal(value: float, digits: int) -> str:
    """A number with `digits` decimals, thousands set apart by a narrow space and the language's decimal mark."""
    return f"{value:,.{digits}f}".replace(",", SPACE).replace(".", QLocale().decimalPoint()).replace("-", "\u2212")


def unit_of(volume: Volume) -> str:
    """The unit of a scan's intensities behind a space: " HU" for CT; empty for others, which have none."""
    return " HU" if volume.modality == "CT" else ""


def intensity_text(value: float, volume: Volume) -> str:
    """An intensity without its unit: whole Hounsfield units in a CT, else with the digits its size asks for."""
    if volume.modality == "CT" or abs(value) >= 100 or value == 0:
        return decimal(value + 0.0, 0)
    integer = np.issubdtype(volume.array.dtype, np.integer) and float(value).is_integer()
    return decimal(value, 0 if integer else max(0, 2 - math.floor(math.log10(abs(value)))))


def window_text(window: Window) -> str:
    """Width and level in short: "W 400  L 40"; with decimals where the values of the scan are fractions."""
    digits = 0 if window.width >= 10 else 3
    figures = {"width": decimal(window.width, digits), "level": decimal(window.level, digits)}
    return QCoreApplication.translate("Figures", "W {width}  L {level}").format(**figures)


def voxel_size_text(spacing_mm: tuple[float, float, float]) -> str:
    """The spacing of a scan in short: "1.5 mm", or from the least to the most, "0.8-5.0 mm"."""
    least, most = min(spacing_mm), max(spacing_mm)
    return f"{_mm(least)} mm" if most - least < 0.05 else f"{_mm(least)}-{_mm(most)} mm"


def _mm(length: float) -> str:
    return decimal(length, 1 if length >= 1 else 2)
