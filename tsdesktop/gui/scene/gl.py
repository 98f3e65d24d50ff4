"""Draws the 3D view with VTK into memory, without a window. One thread makes, uses and closes a painter."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import vtkmodules.vtkRenderingOpenGL2
from numpy.typing import NDArray
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkUnsignedCharArray
from vtkmodules.vtkCommonDataModel import vtkDataObject, vtkPlane, vtkPlaneCollection
from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper, vtkRenderer, vtkRenderWindow

from tsdesktop.gui.scene.camera import VIEW_ANGLE_DEGREES
from tsdesktop.gui.scene.content import Body, Clip, Content, Order, Slices
from tsdesktop.gui.scene.cut import cut_face
from tsdesktop.gui.scene.pace import STILL
from tsdesktop.gui.scene.probe import WINDOW_VARIABLE, Graphics, is_software, load_driver, renderer_of
from tsdesktop.gui.scene.shapes import camera_light, flat_actor, mesh_data
from tsdesktop.gui.scene.through import covered_bodies, show_through
from tsdesktop.surfaces.display import DisplayMesh

# Where the lights stand as seen by the viewer (right, up, towards), strength and tint: key, fill, rim from behind.
_LIGHTS = (
    ((-0.55, 0.75, 0.95), 0.74, (1.0, 0.985, 0.955)),
    ((0.95, 0.05, 0.65), 0.34, (0.90, 0.95, 1.0)),
    ((0.15, 0.85, -0.75), 0.30, (1.0, 1.0, 1.0)),
)
_AMBIENT, _DIFFUSE, _SPECULAR, _SHININESS = 0.20, 0.95, 0.14, 26.0
_PEELS_STILL, _PEELS_MOVING = 8, 3
_OPENNESS = "openness"
# Every body's shader: hollows are darker (and richer in colour: what light is there comes from the body itself), and an
# inside, which only a clip plane shows, has one flat colour, so that what is cut looks filled.
_VERTEX_CODE = (
    ("//VTK::Normal::Dec", "in float openness;\nout float opennessVSOutput;\n"),
    ("//VTK::Normal::Impl", "  opennessVSOutput = openness;\n"),
)
_COLOUR = (
    "//VTK::Color::Impl",
    """
  if (gl_FrontFacing) {
    vec3 light = pow(vec3(opennessVSOutput), vec3(1.0, 1.12, 1.12));
    ambientColor *= light;
    diffuseColor *= light;
  } else {
    ambientColor = diffuseColor * 0.8;
    diffuseColor = vec3(0.0);
    specularColor = vec3(0.0);
  }
""",
)
# The less a surface faces the viewer, the more of it is seen: a rim of glass.
_GHOST = ("//VTK::Light::Impl", "  fragOutput0.a *= 0.10 + 1.1 * pow(1.0 - abs(normalVCVSOutput.z), 2.2);\n")
_CHOSEN = (
    "//VTK::Light::Impl",
    "  fragOutput0.rgb += vec3(0.42, 0.56, 0.78) * pow(1.0 - clamp(normalVCVSOutput.z, 0.0, 1.0), 2.0) + 0.03;\n",
)
# A slice in the clip plane is on the side that stays.
_CLIP_BEFORE_MM = 0.05
_HOLLOW_MM = 12.0
_FEW = 4


@dataclass(eq=False)
class _Shown:
    """The actor of one body with a mapper for each mesh; what it was last made from."""

    body: Body
    actor: Any
    fine: Any
    coarse: Any


class GlPainter:
    """Keeps a VTK scene equal to the last order's content and reads its pictures back."""

    def __init__(self, graphics: Graphics) -> None:
        os.environ[WINDOW_VARIABLE] = graphics.window_class
        load_driver(graphics.window_class)
        self._window = vtkRenderWindow()
        self._window.SetOffScreenRendering(1)
        self._window.SetSize(64, 64)
        self._renderer: Any = vtkRenderer()
        self._window.AddRenderer(self._renderer)
        # Multisampling costs a software renderer a second a frame; still pictures are drawn larger instead.
        self._window.SetMultiSamples(0)
        self._content = Content()
        self._shown: dict[int, _Shown] = {}
        self._slices: list[Any] = []
        self._cut: Any = None
        self._cut_of: tuple[object, ...] = ()
        self._together: Any = None
        self._clip_planes = vtkPlaneCollection()
        self._light()
        self._window.Render()
        renderer = renderer_of(self._window.ReportCapabilities())
        self.graphics = replace(graphics, renderer=renderer, hardware=not is_software(renderer))
        self._occlusion = _occlusion() if self.graphics.hardware else None

    def draw(self, order: Order) -> NDArray[np.uint8]:
        """The picture as (height, width, 3) at the order's `pixels`, first row on top."""
        if order.content is not self._content:
            self._update(order.content)
        self._choose(order.detail.coarse)
        self._close_cut(order.detail.coarse)
        self._look(order)
        self._window.Render()
        picture = self._pixels(*order.pixels)
        covered = covered_bodies(order.content)
        if not covered:
            return picture
        alone = self._drawn_alone({each.surface.label for each in covered}, order)
        return show_through(picture, alone, order.content.background, order.detail.scale)

    def close(self) -> None:
        """Frees the window's memory; nothing may be drawn afterwards."""
        self._shown.clear()
        self._slices.clear()
        self._cut = self._together = None
        self._renderer.SetPass(None)
        if self._occlusion is not None:
            self._occlusion.ReleaseGraphicsResources(self._window)
        self._renderer.RemoveAllViewProps()
        self._window.Finalize()

    def _drawn_alone(self, labels: set[int], order: Order) -> NDArray[np.uint8]:
        """The picture of some bodies and nothing else."""
        others = [each.actor for label, each in self._shown.items() if label not in labels]
        hidden = [each for each in (*others, *self._slices, self._cut, self._together) if each and each.GetVisibility()]
        for actor in hidden:
            actor.SetVisibility(False)
        self._window.Render()
        for actor in hidden:
            actor.SetVisibility(True)
        return self._pixels(*order.pixels)

    def _light(self) -> None:
        self._renderer.AutomaticLightCreationOff()
        for place, strength, tint in _LIGHTS:
            self._renderer.AddLight(camera_light(place, strength, tint))

    def _update(self, content: Content) -> None:
        self._renderer.SetBackground(*(value / 255 for value in content.background))
        for label in self._shown.keys() - {each.surface.label for each in content.bodies}:
            self._renderer.RemoveActor(self._shown.pop(label).actor)
        for body in content.bodies:
            self._show(body)
        if content.bodies != self._content.bodies and self._together is not None:
            self._renderer.RemoveActor(self._together)
            self._together = None
        if content.slices is not self._content.slices:
            self._show_slices(content.slices)
        if content.clip is not self._content.clip:
            self._clip(content.clip)
        self._content = content

    def _show(self, body: Body) -> None:
        shown = self._shown.get(body.surface.label)
        if shown is not None and shown.body == body:
            return
        if shown is None or shown.body.surface is not body.surface:
            if shown is not None:
                self._renderer.RemoveActor(shown.actor)
            shown = _Shown(body, vtkActor(), *self._mappers(body))
            self._shown[body.surface.label] = shown
            self._renderer.AddActor(shown.actor)
        shown.body = body
        _paint(shown)

    def _mappers(self, body: Body) -> tuple[Any, Any]:
        fine, coarse = body.surface.fine, body.surface.coarse
        first = _mapper(fine, self._clip_planes)
        return first, first if coarse is fine else _mapper(coarse, self._clip_planes)

    def _show_slices(self, slices: Slices | None) -> None:
        for actor in self._slices:
            self._renderer.RemoveActor(actor)
        self._slices = [flat_actor(each) for each in (slices.pictures() if slices else ())]
        for actor in self._slices:
            actor.GetMapper().SetClippingPlanes(self._clip_planes)
            self._renderer.AddActor(actor)

    def _clip(self, clip: Clip | None) -> None:
        self._clip_planes.RemoveAllItems()
        if clip is not None:
            plane = vtkPlane()
            plane.SetOrigin(*(clip.point_ras + clip.normal * _CLIP_BEFORE_MM))
            plane.SetNormal(*-clip.normal)
            self._clip_planes.AddItem(plane)

    def _close_cut(self, coarse: bool) -> None:
        """Puts the face of the cut in its place where the clip plane or the bodies are others than before."""
        content = self._content
        cut_of = (content.clip, content.bodies, coarse) if content.clip else ()
        if cut_of == self._cut_of:
            return
        if self._cut is not None:
            self._renderer.RemoveActor(self._cut)
        face = cut_face(content.bodies, content.clip, coarse=coarse) if content.clip else None
        self._cut = None if face is None else flat_actor(face)
        self._cut_of = cut_of
        if self._cut is not None:
            self._renderer.AddActor(self._cut)

    def _choose(self, coarse: bool) -> None:
        """Fine: an actor for each body. Coarse: one for all firm bodies, since each actor costs a third of a ms."""
        firm = [each for each in self._content.bodies if _is_firm(each)] if coarse else []
        if coarse and self._together is None and firm:
            self._together = _together(firm, self._clip_planes)
            self._renderer.AddActor(self._together)
        if self._together is not None:
            self._together.SetVisibility(coarse)
        alone = {each.surface.label for each in firm}
        few = sum(each.chosen for each in self._content.bodies) <= _FEW
        for label, shown in self._shown.items():
            shown.actor.SetVisibility(label not in alone)
            # The light edge of the chosen one would be torn on a coarse mesh.
            mapper = shown.coarse if coarse and not (shown.body.chosen and few) else shown.fine
            if shown.actor.GetMapper() is not mapper:
                shown.actor.SetMapper(mapper)

    def _look(self, order: Order) -> None:
        camera = self._renderer.GetActiveCamera()
        camera.SetViewAngle(VIEW_ANGLE_DEGREES)
        camera.SetFocalPoint(*order.camera.focus_ras)
        camera.SetPosition(*order.camera.position_ras)
        camera.SetViewUp(*order.camera.turn[1])
        self._renderer.ResetCameraClippingRange()
        # Peeling layers off is the only right order for translucent surfaces; it costs a pass a layer, too much for a
        # processor: there layers are weighed by their depth in a single pass.
        layers = self.graphics.hardware and any(each.opacity < 1.0 and not each.ghost for each in order.content.bodies)
        self._renderer.SetUseDepthPeeling(layers)
        solid = order.content.slices is None and all(each.opacity >= 1.0 for each in order.content.bodies)
        # Behind translucent surfaces and around flat pictures it draws stripes.
        self._renderer.SetPass(self._occlusion if solid else None)
        peels = _PEELS_MOVING if order.detail.coarse else _PEELS_STILL
        self._renderer.SetMaximumNumberOfPeels(peels)
        self._window.SetAlphaBitPlanes(layers)
        # The last picture, where one twice as large would take too long; its cost is small against fine meshes'.
        self._renderer.SetUseFXAA(order.detail == STILL)
        self._window.SetSize(*order.pixels)

    def _pixels(self, width: int, height: int) -> NDArray[np.uint8]:
        array = vtkUnsignedCharArray()
        self._window.GetPixelData(0, 0, width - 1, height - 1, 0, array, 0)
        # VTK's first row is the lowest.
        return np.ascontiguousarray(vtk_to_numpy(array).reshape(height, width, 3)[::-1])


def _occlusion() -> Any:
    """Ambient occlusion of the picture, for what is finer than that of the surfaces. Only a card has the time."""
    occlusion = vtkmodules.vtkRenderingOpenGL2.vtkSSAOPass()
    occlusion.SetDelegatePass(vtkmodules.vtkRenderingOpenGL2.vtkRenderStepsPass())
    occlusion.SetRadius(_HOLLOW_MM)
    occlusion.SetBias(1.0)
    occlusion.SetKernelSize(64)
    occlusion.BlurOn()
    return occlusion


def _mapper(mesh: DisplayMesh, clip_planes: Any) -> Any:
    mapper = vtkPolyDataMapper()
    mapper.SetInputData(mesh_data(mesh))
    mapper.SetScalarModeToUsePointData()
    mapper.SetClippingPlanes(clip_planes)
    mapper.MapDataArrayToVertexAttribute(_OPENNESS, _OPENNESS, vtkDataObject.FIELD_ASSOCIATION_POINTS, -1)
    return mapper


def _is_firm(body: Body) -> bool:
    """Whether a body looks like all others but for its colour."""
    return body.opacity >= 1.0 and not body.ghost and not body.chosen


def _together(bodies: list[Body], clip_planes: Any) -> Any:
    """One actor for the coarse meshes of many bodies."""
    meshes = [each.surface.coarse for each in bodies]
    starts = np.cumsum([0] + [len(mesh.vertices_ras) for mesh in meshes])
    mesh = DisplayMesh(
        np.concatenate([mesh.vertices_ras for mesh in meshes]),
        np.concatenate([mesh.normals for mesh in meshes]),
        np.concatenate([mesh.triangles + int(at) for mesh, at in zip(meshes, starts, strict=False)]).astype(np.int32),
    )
    mapper = _mapper(mesh, clip_planes)
    _set_light(mapper, np.concatenate([_openness(each, coarse=True) for each in bodies]))
    _set_colours(mapper, np.repeat([each.rgb for each in bodies], np.diff(starts), axis=0).astype(np.uint8))
    actor = vtkActor()
    actor.SetMapper(mapper)
    _polish(actor)
    return actor


def _paint(shown: _Shown) -> None:
    """Gives a body's colour, light and surface to its actor and meshes."""
    body, style = shown.body, shown.actor.GetProperty()
    for mapper, coarse in ((shown.fine, False), (shown.coarse, True)):
        light = _openness(body, coarse=coarse)
        _set_light(mapper, light)
        _set_colours(mapper, np.broadcast_to(np.asarray(body.rgb, np.uint8), (len(light), 3)))
        if shown.coarse is shown.fine:
            break
    style.SetOpacity(body.opacity)
    style.SetBackfaceCulling(body.ghost)
    _polish(shown.actor, *([_GHOST] if body.ghost else [_CHOSEN] if body.chosen else []))


def _polish(actor: Any, *more: tuple[str, str]) -> None:
    """The surface all bodies have, and what `more` the fragment shader does."""
    style = actor.GetProperty()
    style.SetInterpolationToPhong()
    style.SetAmbient(_AMBIENT)
    style.SetDiffuse(_DIFFUSE)
    style.SetSpecular(_SPECULAR)
    style.SetSpecularPower(_SHININESS)
    shader = actor.GetShaderProperty()
    shader.ClearAllShaderReplacements()
    for place, code in _VERTEX_CODE:
        shader.AddVertexShaderReplacement(place, True, f"{place}\n{code}", False)
    shader.AddFragmentShaderReplacement(
        "//VTK::Normal::Dec", True, "//VTK::Normal::Dec\nin float opennessVSOutput;\n", False
    )
    for place, code in (_COLOUR, *more):
        shader.AddFragmentShaderReplacement(place, True, f"{place}\n{code}", False)


def _openness(body: Body, *, coarse: bool) -> NDArray[np.float32]:
    if body.openness is not None:
        return body.openness.coarse if coarse else body.openness.fine
    mesh = body.surface.coarse if coarse else body.surface.fine
    return np.ones(len(mesh.vertices_ras), np.float32)


def _set_light(mapper: Any, openness: NDArray[np.float32]) -> None:
    array = numpy_to_vtk(np.ascontiguousarray(openness), deep=True)
    array.SetName(_OPENNESS)
    mapper.GetInput().GetPointData().AddArray(array)


def _set_colours(mapper: Any, colours: NDArray[np.uint8]) -> None:
    data = mapper.GetInput()
    data.GetPointData().SetScalars(numpy_to_vtk(np.ascontiguousarray(colours), deep=True))
    data.Modified()
