"""A text on a solid: sunk into a face or raised above it, at the same depth everywhere, curved as the face may be.

The face is looked at along its direction; the text goes where the surface is most even. The letters are cut by a
tool that is the letters' prism without the solid moved inward by the depth, so that their ground follows the surface.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tsdesktop.core.errors import OptionsError
from tsdesktop.core.notes import Note, note
from tsdesktop.core.printing import Face, Label
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.surfaces.solids.heights import HeightField, heights_from_above
from tsdesktop.surfaces.solids.letters import text_outline
from tsdesktop.surfaces.solids.manifolds import from_manifold, origin_of, to_manifold
from tsdesktop.surfaces.solids.plate import FoundPlate, plate_of, rounded_rectangle
from tsdesktop.surfaces.solids.steps import Parts, StepContext

if TYPE_CHECKING:
    from manifold3d import CrossSection, Manifold

# Per face the directions, in the frame of the part (x right, y anterior, z up), along which the text is read and in
# which its letters stand; their cross product points out of the face.
_READ_ALONG: dict[Face, tuple[tuple[int, int, int], tuple[int, int, int]]] = {
    "front": ((-1, 0, 0), (0, 0, 1)),
    "back": ((1, 0, 0), (0, 0, 1)),
    "left": ((0, -1, 0), (0, 0, 1)),
    "right": ((0, 1, 0), (0, 0, 1)),
    "top": ((-1, 0, 0), (0, -1, 0)),
    "bottom": ((1, 0, 0), (0, -1, 0)),
}
# An engraving leaves at least this share of the wall.
_LEFT_OF_WALL = 0.5
_SHARES = (1.0, 0.85, 0.7, 0.6, 0.5, 0.4, 0.3)
# Below this height no printer forms letters; smaller ones are made only when asked for.
_LEAST_HEIGHT_MM = 2.5
# A face may rise this much under the text, as a share of its height and of its width.
_UNEVEN_SHARES = (0.6, 0.2)
_THINNEST_WALL_MM = 0.4
_SUNK_MM = 0.3
_SLIVER_MM = 0.05
_LEAST_SHARE_ON_PLATE = 0.6


@dataclass(frozen=True, eq=False)
class Labelled:
    """A solid with its text, and how tall and deep the letters became."""

    solid: Manifold
    height_mm: float
    depth_mm: float

    def notes(self, asked: Label) -> tuple[Note, ...]:
        """What differs from what was asked for."""
        out = []
        if self.height_mm < asked.height_mm - 1e-6:
            mm = {"height_mm": round(self.height_mm, 1), "asked_mm": round(asked.height_mm, 1)}
            out.append(note("note.label_smaller", text=asked.text, **mm))
        if self.depth_mm < asked.depth_mm - 1e-6:
            mm = {"depth_mm": round(self.depth_mm, 2), "asked_mm": round(asked.depth_mm, 2)}
            out.append(note("note.label_shallower", text=asked.text, **mm))
        return tuple(out)


@dataclass(frozen=True)
class _Spot:
    """Where a text goes: its middle, the lowest and highest surface under it, the thinnest wall there (mm)."""

    x: float
    y: float
    low_mm: float
    high_mm: float
    wall_mm: float


def add_label(parts: Parts, step: Label, context: StepContext) -> Parts:
    """The label on the largest part; "{name}" in its text stands for a part's name, and then every part gets one.

    On a plate it goes on the part that has one. Raises OptionsError, ExportError and Cancelled.
    """
    every = "{name}" in step.text
    largest = max(range(len(parts)), key=lambda n: parts[n].volume_ml)
    out = list(parts)
    for n in range(len(parts)) if every else [largest]:
        context.at("label", n / len(parts))
        out[n] = _written(parts[n], replace(step, text=step.text.replace("{name}", parts[n].structure.title)), context)
    return tuple(out)


def _written(part: SurfaceMesh, label: Label, context: StepContext) -> SurfaceMesh:
    origin = origin_of([part])
    made = labelled(to_manifold(part, origin), label)
    for each in made.notes(label):
        context.note(each)
    return from_manifold(made.solid.as_original(), part.structure, origin)


def labelled(solid: Manifold, label: Label) -> Labelled:
    """The solid with the label on its face, or on the plate it stands on, which grows when there is no room.

    Raises OptionsError for characters the font does not have, where there is no room for the letters, and for a label
    on the plate of a solid that stands on none.
    """
    if label.face != "plate":
        return _on_face(solid, label)
    plate = plate_of(solid)
    if plate is None:
        raise OptionsError("label.no_plate", text=label.text)
    return _on_plate(solid, plate, label)


def _on_face(solid: Manifold, label: Label) -> Labelled:
    matrix = _seen_from(label.face)
    seen = solid.transform(np.hstack([matrix, np.zeros((3, 1))]))
    outline, spot, height = _fitted(seen, label)
    depth = label.depth_mm if label.raised else min(label.depth_mm, _LEFT_OF_WALL * spot.wall_mm)
    written = (_raised if label.raised else _sunk)(seen, outline, spot, depth)
    return Labelled(written.transform(np.hstack([matrix.T, np.zeros((3, 1))])), height, depth)


def _seen_from(face: Face) -> NDArray[np.float64]:
    """The rotation after which the face looks up (z) and its text runs along x."""
    along, up = (np.array(each, float) for each in _READ_ALONG[face])
    return np.stack([along, up, np.cross(along, up)])


def _fitted(seen: Manifold, label: Label) -> tuple[CrossSection, _Spot, float]:
    """The text as large as it fits on the upper side, where it goes, and the height of its capitals."""
    field = heights_from_above(seen, max(0.3, label.height_mm / 6.0))
    for share in _SHARES:
        height = share * label.height_mm
        if share < 1.0 and height < _LEAST_HEIGHT_MM:
            break
        outline = text_outline(label.text, height)
        spot = _most_even(field, outline)
        if spot is not None and spot.high_mm - spot.low_mm <= max(_largest_rise(outline), 2.0 * label.depth_mm):
            return outline, spot, height
    raise OptionsError("label.no_room", text=label.text, face=label.face)


def _largest_rise(outline: CrossSection) -> float:
    left, low, right, high = outline.bounds()
    tall, wide = _UNEVEN_SHARES
    return float(max(tall * (high - low), wide * (right - left)))


def _most_even(field: HeightField, outline: CrossSection) -> _Spot | None:
    """The place where the surface under the text is most even; of equal ones the most central."""
    left, low, right, high = outline.bounds()
    cells = [max(1, int(np.ceil((side + 0.6) / field.step_mm)) + 1) for side in (right - left, high - low)]
    if any(want > there for want, there in zip(cells, field.hit.shape, strict=True)):
        return None
    solid = field.hit & (field.thickness_mm >= _THINNEST_WALL_MM)
    highest = ndimage.maximum_filter(np.where(solid, field.surface_mm, np.inf), cells, mode="constant", cval=np.inf)
    lowest = ndimage.minimum_filter(np.where(solid, field.surface_mm, -np.inf), cells, mode="constant", cval=-np.inf)
    walls = ndimage.minimum_filter(np.where(solid, field.thickness_mm, 0.0), cells)
    cost = np.where(np.isfinite(highest) & np.isfinite(lowest), highest - lowest, np.inf)
    if not np.isfinite(cost).any():
        return None
    i, j = np.unravel_index(int(np.argmin(cost + _off_centre(field))), cost.shape)
    # The window of an even number of cells reaches half a cell farther to one side.
    x, y = (
        place - field.step_mm / 2.0 * (n % 2 == 0) for place, n in zip(field.place(int(i), int(j)), cells, strict=True)
    )
    return _Spot(x, y, float(lowest[i, j]), float(highest[i, j]), float(walls[i, j]))


def _off_centre(field: HeightField) -> NDArray[np.float64]:
    """A small price for being away from the middle of the face, in mm."""
    i, j = np.indices(field.hit.shape)
    middle = (np.array(field.hit.shape) - 1.0) / 2.0
    return np.asarray(0.03 * field.step_mm * np.hypot(i - middle[0], j - middle[1]))


def _sunk(seen: Manifold, outline: CrossSection, spot: _Spot, depth: float) -> Manifold:
    """The solid with the text cut to `depth` below its upper side."""
    from manifold3d import Manifold

    top = spot.high_mm + 1.0
    prism = _prism(outline, spot, spot.low_mm - depth - 0.1, top)
    tool = prism - _around(seen, spot, outline, depth).translate((0.0, 0.0, -depth))
    # What does not reach the outside would be a hidden cavity.
    open_parts = [each for each in tool.decompose() if each.bounding_box()[5] > top - 1e-3]
    return seen - Manifold.compose(open_parts)


def _raised(seen: Manifold, outline: CrossSection, spot: _Spot, depth: float) -> Manifold:
    """The solid with the text standing out by `depth` above its upper side."""
    from manifold3d import Manifold, OpType

    local = _around(seen, spot, outline, depth)
    # Where the wall is thinner than the letters are high, one step up would not touch it.
    steps = int(np.ceil(depth / (0.5 * spot.wall_mm)))
    raised = Manifold.batch_boolean(
        [local.translate((0.0, 0.0, depth * (n + 1) / steps)) for n in range(steps)], OpType.Add
    )
    prism = _prism(outline, spot, spot.low_mm - min(_SUNK_MM, 0.5 * spot.wall_mm), spot.high_mm + depth + 1.0)
    return seen + (raised ^ prism)


def _prism(outline: CrossSection, spot: _Spot, low_mm: float, high_mm: float) -> Manifold:
    from manifold3d import Manifold

    return Manifold.extrude(outline, high_mm - low_mm).translate((spot.x, spot.y, low_mm))


def _around(seen: Manifold, spot: _Spot, outline: CrossSection, depth: float) -> Manifold:
    """The part of the solid under the text, with a rim: the rest need not be looked at."""
    from manifold3d import Manifold

    left, low, right, high = outline.bounds()
    tall = spot.high_mm - spot.low_mm + 8.0 * depth + 4.0
    box = Manifold.cube((right - left + 1.0, high - low + 1.0, tall), center=True)
    return seen ^ box.translate((spot.x, spot.y, (spot.high_mm + spot.low_mm) / 2.0))


def _on_plate(solid: Manifold, plate: FoundPlate, label: Label) -> Labelled:
    """The text on the plate before the model, to be read from its front; the plate grows to hold it."""
    outline, height = _as_wide_as(plate, label)
    pad = _pad_mm(height)
    left, low, right, high = outline.bounds()
    x0, _, x1, y1 = plate.outline.bounds()
    middle = (x0 + x1) / 2.0
    behind = _front_of_model(solid, plate, (middle - (right - left) / 2.0 - pad, middle + (right - left) / 2.0 + pad))
    front = max(y1, behind + high - low + 2.0 * pad)
    grown = _grown(solid, plate, (middle, behind, front), (right - left + 2.0 * pad))
    depth = label.depth_mm if label.raised else min(label.depth_mm, _LEFT_OF_WALL * (plate.top_mm - plate.bottom_mm))
    top = plate.top_mm
    spot = _Spot(middle, (behind + front) / 2.0, top, top, top - plate.bottom_mm)
    # Read by someone who stands before the model: turned by half a turn.
    turned = outline.rotate(180.0)
    if label.raised:
        return Labelled(
            grown + _prism(turned, spot, top - min(_SUNK_MM, spot.wall_mm / 2.0), top + depth), height, depth
        )
    return Labelled(grown - _prism(turned, spot, top - depth, top + 1.0), height, depth)


def _as_wide_as(plate: FoundPlate, label: Label) -> tuple[CrossSection, float]:
    """The text and the height of its capitals, smaller where it would be wider than the plate, but not by much."""
    outline = text_outline(label.text, label.height_mm)
    left, _, right, _ = outline.bounds()
    x0, _, x1, _ = plate.outline.bounds()
    room = x1 - x0 - 2.0 * _pad_mm(label.height_mm)
    share = float(np.clip(room / (right - left), _LEAST_SHARE_ON_PLATE, 1.0))
    height = max(share * label.height_mm, min(label.height_mm, _LEAST_HEIGHT_MM))
    return text_outline(label.text, height), height


def _pad_mm(height_mm: float) -> float:
    """Free room around the text on a plate."""
    return max(1.5, 0.4 * height_mm)


def _front_of_model(solid: Manifold, plate: FoundPlate, along: tuple[float, float]) -> float:
    """The y up to which something stands on the plate, hangs over it or is engraved, between two places along x."""
    from manifold3d import CrossSection, FillRule

    above = solid.trim_by_plane((0.0, 0.0, 1.0), plate.top_mm + 0.05)
    shadow = CrossSection(above.project().to_polygons(), FillRule.NonZero)
    shadow += plate.outline.offset(-0.1) - solid.slice(plate.top_mm - 0.02)
    x0, y0, x1, y1 = plate.outline.bounds()
    reach = y1 - y0 + x1 - x0
    strip = CrossSection.square((along[1] - along[0], 4.0 * reach)).translate((along[0], y0 - 2.0 * reach))
    found = shadow ^ strip
    return float(y0 if found.is_empty() else found.bounds()[3])


def _grown(solid: Manifold, plate: FoundPlate, place: tuple[float, float, float], width_mm: float) -> Manifold:
    """The solid with a plate that reaches under the text; `place` is the middle x, and y where its field begins and
    ends.
    """
    from manifold3d import CrossSection, Manifold

    middle, behind, front = place
    x0, y0, x1, y1 = plate.outline.bounds()
    level = plate.outline.area() > 0.9 * (x1 - x0) * (y1 - y0)
    width = max(width_mm, x1 - x0) if level else width_mm
    depth = front - behind
    field = rounded_rectangle((middle, behind + depth / 2.0), (width, depth), min(5.0, depth / 2.0))
    needed = CrossSection.square((width_mm - 1.0, depth - 1.0), center=True).translate((middle, behind + depth / 2.0))
    if (needed - plate.outline).area() < 1e-3 * needed.area():
        return solid
    larger = CrossSection.batch_hull([plate.outline, field])
    # Only what is added, without the slivers along walls that nearly coincide, and so far that it overlaps the plate.
    added = (larger - plate.outline).offset(-_SLIVER_MM).offset(_SLIVER_MM + _SUNK_MM) ^ larger
    return solid + Manifold.extrude(added, plate.top_mm - plate.bottom_mm).translate((0.0, 0.0, plate.bottom_mm))
