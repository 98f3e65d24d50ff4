"""Meshes, pictures and lights as VTK wants them, for the painter that draws with it.

Straight from VTK's own modules: a library around them takes a second to load, with pauses that stop the window.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from vtkmodules.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray
from vtkmodules.vtkCommonCore import vtkPoints
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkImageData, vtkPolyData
from vtkmodules.vtkRenderingCore import vtkActor, vtkLight, vtkPolyDataMapper, vtkTexture

from tsdesktop.gui.scene.content import Picture
from tsdesktop.surfaces.display import DisplayMesh

# Air around the patient is no part of a slice's picture, nor is what lies between structures part of a cut.
_NOT_EMPTY = ("//VTK::TCoord::Impl", "  if (fragOutput0.a < 0.5) discard;\n")


def poly_data(vertices: NDArray[np.floating], triangles: NDArray[np.integer]) -> Any:
    """Vertices (n, 3) and triangles (m, 3) as VTK's mesh."""
    points = vtkPoints()
    points.SetData(numpy_to_vtk(np.ascontiguousarray(vertices, np.float32), deep=True))
    cells = vtkCellArray()
    corners = np.ascontiguousarray(triangles, np.int64).ravel()
    starts = np.arange(0, corners.size + 1, 3, dtype=np.int64)
    cells.SetData(*(numpy_to_vtkIdTypeArray(each, deep=True) for each in (starts, corners)))
    data = vtkPolyData()
    data.SetPoints(points)
    data.SetPolys(cells)
    return data


def mesh_data(mesh: DisplayMesh) -> Any:
    """A display mesh with its normals."""
    data = poly_data(mesh.vertices_ras, mesh.triangles)
    data.GetPointData().SetNormals(numpy_to_vtk(np.ascontiguousarray(mesh.normals), deep=True))
    return data


def flat_actor(picture: Picture) -> Any:
    """A picture in its place, as bright as it is."""
    quad = poly_data(picture.corners_ras, np.array([[0, 1, 2], [0, 2, 3]]))
    places = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    quad.GetPointData().SetTCoords(numpy_to_vtk(places, deep=True))
    mapper = vtkPolyDataMapper()
    mapper.SetInputData(quad)
    actor = vtkActor()
    actor.SetMapper(mapper)
    actor.SetTexture(_texture(picture.rgba))
    # Its edges are cut out by the shader; as a translucent actor it would be drawn after all others.
    actor.ForceOpaqueOn()
    actor.GetProperty().LightingOff()
    place, code = _NOT_EMPTY
    actor.GetShaderProperty().AddFragmentShaderReplacement(place, True, f"{place}\n{code}", False)
    return actor


def _texture(rgba: NDArray[np.uint8]) -> Any:
    rows, columns = rgba.shape[:2]
    image = vtkImageData()
    image.SetDimensions(columns, rows, 1)
    image.GetPointData().SetScalars(numpy_to_vtk(rgba.reshape(-1, 4), deep=True))
    texture = vtkTexture()
    texture.SetInputData(image)
    texture.InterpolateOn()
    texture.SetColorModeToDirectScalars()
    return texture


def camera_light(place: tuple[float, float, float], strength: float, tint: tuple[float, float, float]) -> Any:
    """A light that goes with the viewer: where it stands (right, up, towards), how strong, its colour 0 to 1."""
    light = vtkLight()
    light.SetLightTypeToCameraLight()
    light.SetPosition(*place)
    light.SetFocalPoint(0.0, 0.0, 0.0)
    light.SetIntensity(strength)
    light.SetDiffuseColor(*tint)
    light.SetSpecularColor(*tint)
    return light
