"""Everything a person may choose for one run, as one frozen value. Each option is declared once: the command line, the
documentation and the window are made from these declarations.
"""

from __future__ import annotations

from dataclasses import Field, dataclass, field, fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

from tsdesktop.core.errors import OptionsError
from tsdesktop.core.tasks import Task, VariantName

Quality = Literal["full", "fast", "fastest"]
Section = Literal["what", "how", "output"]
LabelFormat = Literal["nifti", "nrrd", "dicom-seg", "rtstruct"]
DicomSegForm = Literal["binary", "deflated", "labelmap"]
MeshFormatName = Literal["stl", "stl-ascii", "3mf", "obj", "ply", "glb", "vtp"]
MeshLayout = Literal["per-structure", "merged", "parts"]
SmoothingName = Literal["faithful", "smooth", "very-smooth"]
Frame = Literal["LPS", "RAS"]
Precision = Literal["single", "half"]
DEVICES_HELP = "auto, cpu, gpu, gpu:N or mps"


@dataclass(frozen=True)
class Declaration:
    """What is known of one option: its flag, one line for people, where it belongs, and upstream's flags for it."""

    name: str
    flag: str
    help: str
    section: Section
    upstream: tuple[str, ...]
    kind: type
    choices: tuple[str, ...]
    many: bool
    default: Any
    metavar: str


def option(default: Any, help: str, section: Section, *, upstream: str = "", flag: str = "", metavar: str = "") -> Any:
    """Declares a field of `Options`; `upstream` lists upstream's flags, space separated; `flag` "" follows the name."""
    metadata = {"help": help, "section": section, "upstream": upstream, "flag": flag, "metavar": metavar}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Options:
    """The choices of one run. Raises OptionsError for values out of range; `check_for` compares them with a task."""

    task: str = option("total", "the task; `tsdesktop info` lists them", "what", upstream="-ta --task", metavar="TASK")
    fast: bool = option(False, "the 3 mm network (6 mm for body)", "what", upstream="-f --fast")
    fastest: bool = option(False, "the 6 mm network", "what", upstream="-ff --fastest")
    model_size: Literal["big", "small"] = option(
        "big", "total_v3 only: the big or the small networks", "what", upstream="-ms --model_size"
    )
    roi: tuple[str, ...] = option(
        (), "only these structures of a total task", "what", upstream="-rs --roi_subset", metavar="NAME"
    )
    robust_crop: bool = option(
        False,
        "find the region to compute with the 3 mm network instead of the 6 mm one",
        "how",
        upstream="-rc --robust_crop -rsr --roi_subset_robust",
    )
    body_crop: bool = option(
        False, "compute only inside the body, found with a 6 mm network (CT)", "how", upstream="-bs --body_seg"
    )
    resampling_order: int = option(
        1, "spline order of the scan's resampling, 0 to 5", "how", upstream="-ro --resampling_order", metavar="N"
    )
    smooth_labels: bool = option(
        False,
        "smoother borders: interpolate the network's output instead of its labels",
        "how",
        upstream="-ho --higher_order_resampling",
    )
    smooth_labels_legacy: bool = option(
        False, "smoother borders the earlier way: every label's mask is interpolated", "how",
        upstream="--higher_order_resampling_LEGACY",
    )  # fmt: skip
    force_split: bool = option(
        False, "compute in three parts along the body, as upstream does for large scans", "how",
        upstream="-fs --force_split",
    )  # fmt: skip
    remove_small_blobs: float = option(
        0.0, "remove pieces of a structure up to this many mm3 (200 when no number is given)", "how",
        upstream="-rmb --remove_small_blobs", metavar="MM3",
    )  # fmt: skip
    device: str = option("auto", f"where networks run: {DEVICES_HELP}", "how", upstream="-d --device", metavar="DEVICE")
    threads: int = option(
        0, "processor threads; 0 takes all", "how", upstream="-nr --nr_thr_resamp -ns --nr_thr_saving", metavar="N"
    )
    precision: Precision = option(
        "single", "how exactly the processor computes: half is faster where it has bfloat16, a few voxels differ", "how"
    )
    bone_threshold_hu: float = option(
        200.0, "task bone only: voxels above this many Hounsfield units count as dense bone", "how", metavar="HU"
    )
    volume_index: int | None = option(
        None, "which volume of a file with several (time points, b-values), from 0", "what", metavar="N"
    )
    series: str = option("", "which DICOM series: its number in the list, its UID or its description", "what")
    format: Literal["multilabel", "per-class"] = option(
        "multilabel", "one file with all labels, or one file per structure", "output", upstream="-ml --ml"
    )
    label_formats: tuple[LabelFormat, ...] = option(
        ("nifti",), "formats of the labels; those of DICOM need a scan that was read from DICOM", "output",
        upstream="-ot --output_type",
    )  # fmt: skip
    dicom_seg_form: DicomSegForm = option(
        "binary",
        "how a DICOM segmentation is stored: binary is read most widely (3D Slicer, OHIF), deflated is the same "
        "compressed (pydicom, highdicom), labelmap is compressed and newer (highdicom from 0.24, OHIF from 3.11)",
        "output",
    )
    keep_model_resolution: bool = option(
        False, "with --fast or --fastest: keep the labels at 3 or 6 mm", "output", upstream="-sl --save_lowres"
    )
    derived_masks: bool = option(
        True, "do not write the masks body and skin of the task body", "output",
        upstream="-ndm --no_derived_masks", flag="--no-derived-masks",
    )  # fmt: skip
    v1_order: bool = option(
        False, "label numbers of TotalSegmentator version 1 (task total)", "output", upstream="-v1o --v1_order"
    )
    save_labels: bool = option(
        True, "write no label map, only what else was asked for", "output",
        upstream="-ss --skip_saving", flag="--no-labels",
    )  # fmt: skip
    probabilities: bool = option(
        False, "write the networks' probabilities (.npz, one file per network)", "output",
        upstream="-sp --save_probabilities",
    )  # fmt: skip
    statistics: bool = option(
        False, "write volumes and intensities (JSON as upstream; CSV, XLSX and JSON with more)", "output",
        upstream="-s --statistics -sx --statistics_extra",
    )  # fmt: skip
    statistics_include_border: bool = option(
        False, "in the JSON, do not set structures at the scan's border to zero", "output",
        upstream="-sii --stats_include_incomplete",
    )  # fmt: skip
    statistics_average: Literal["mean", "median"] = option(
        "mean", "which average the JSON's intensity is", "output", upstream="-sa --stats_aggregation"
    )
    dicom_sr: bool = option(False, "write volumes and intensities as a DICOM structured report", "output")
    meshes: tuple[MeshFormatName, ...] = option((), "write surfaces in these formats", "output")
    mesh_layout: tuple[MeshLayout, ...] = option(
        ("per-structure", "merged"),
        "a file per structure, one file with all surfaces as one object, one file with an object for each",
        "output",
    )
    mesh_smoothing: SmoothingName = option("faithful", "how smooth the meshes are", "output")
    mesh_smoothing_mm: float | None = option(
        None, "smoothing by the width whose height is halved, in mm, instead; 0 for none", "output", metavar="MM"
    )
    mesh_error_mm: float = option(
        0.0, "save triangles where no place of a mesh moves farther than this; 0 keeps all", "output", metavar="MM"
    )
    mesh_check: bool = option(
        True, "do not look at meshes as for printing before they are written", "output", flag="--no-mesh-check"
    )
    mesh_frame: Frame = option("LPS", "coordinates of the meshes, in mm", "output")
    preview: bool = option(False, "write a picture of the result", "output", upstream="-p --preview")
    report: bool = option(
        True, "write no run manifest (what was run, with which networks and options)", "output",
        upstream="-rp --report", flag="--no-manifest",
    )  # fmt: skip
    overwrite: bool = option(False, "replace files that exist", "output")

    def __post_init__(self) -> None:
        for each in declarations():
            value = getattr(self, each.name)
            if each.many and not isinstance(value, tuple):
                # One word stands for itself, an empty one for none.
                value = (value,) if isinstance(value, str) else tuple(value)
                object.__setattr__(self, each.name, tuple(one for one in value if one))
            _refuse_unknown(each, getattr(self, each.name))
        _refuse_outside("--resampling-order", self.resampling_order, 0, 5)
        _refuse_outside("--threads", self.threads, 0, 1024)
        _refuse_outside("--remove-small-blobs", self.remove_small_blobs, 0, 1e9)
        _refuse_outside("--mesh-smoothing-mm", self.mesh_smoothing_mm or 0.0, 0, 100)
        _refuse_outside("--mesh-error-mm", self.mesh_error_mm, 0, 100)
        _refuse_outside("--bone-threshold-hu", self.bone_threshold_hu, -1000, 4000)
        if self.fast and self.fastest:
            raise OptionsError("options.conflict", option="--fast", other="--fastest")
        if self.smooth_labels and self.smooth_labels_legacy:
            raise OptionsError("options.conflict", option="--smooth-labels", other="--smooth-labels-legacy")
        if self.force_split and self.probabilities:
            raise OptionsError("options.conflict", option="--force-split", other="--probabilities")
        if self.keep_model_resolution and not (self.fast or self.fastest):
            raise OptionsError("options.needs", option="--keep-model-resolution", other="--fast or --fastest")
        if self.keep_model_resolution and (self.roi or self.body_crop):
            other = "--roi" if self.roi else "--body-crop"
            raise OptionsError("options.conflict", option="--keep-model-resolution", other=other)
        if self.dicom_seg_form != "binary" and "dicom-seg" not in self.label_formats:
            other = "--label-formats dicom-seg"
            raise OptionsError("options.needs", option=f"--dicom-seg-form {self.dicom_seg_form}", other=other)
        _refuse_meshes_together(self.meshes, self.mesh_layout)

    @property
    def quality(self) -> Quality:
        """Which version of the task was asked for."""
        return "fastest" if self.fastest else "fast" if self.fast else "full"

    def variant_name(self, task: Task) -> VariantName:
        """The variant of `task` these options mean. Raises OptionsError where the task has none."""
        small: dict[Quality, VariantName] = {"full": "full_small", "fast": "fast_small"}
        name: VariantName = self.quality
        if self.model_size == "small":
            if self.quality not in small or small[self.quality] not in task.variants:
                raise OptionsError("options.no_variant", task=task.name, variant=f"small {self.quality}")
            name = small[self.quality]
        return task.variant(name).name

    def check_for(self, task: Task, roi_tasks: list[str]) -> None:
        """Refuses what `task` cannot do, with OptionsError. `roi_tasks` are named where --roi does not apply."""
        if self.roi and not task.roi_subset:
            raise OptionsError("options.no_roi_subset", task=task.name, tasks=", ".join(roi_tasks))
        for name in self.roi:
            task.structure(name)
        if self.v1_order and task.name != "total":
            raise OptionsError("options.needs", option="--v1-order", other="the task total")
        if self.keep_model_resolution and task.crop is not None:
            raise OptionsError("options.conflict", option="--keep-model-resolution", other=f"the task {task.name}")
        if task.instant is None:
            self.variant_name(task)
        elif self.fast or self.fastest:
            raise OptionsError("options.no_variant", task=task.name, variant=self.quality)


# Upstream's options that have no counterpart, with the reason; tests compare both lists with upstream's table.
NOT_OFFERED: dict[str, str] = {
    "-i": "the scan is the command's first argument",
    "-o": "`-o OUT`, for all outputs of a run",
    "-t --nora_tag": "a mark for one hospital's own database",
    "-r --radiomics": "the library it needs (pyradiomics) does not install with current Python and numpy",
    "-cp --crop_path": "has no effect with upstream's current tasks",
    "-q --quiet": "`-q`, for every command",
    "-v --verbose": "`-v`, for every command",
    "--debug": "`-v` shows where a failure happened",
    "-l --license_number": "`tsdesktop license set`; only downloads need it, runs ask nobody",
    "--test": "only for upstream's own unit tests",
    "-lt --list-tasks": "`tsdesktop info`",
    "-lc --list-classes": "`tsdesktop info TASK`",
    "--version": "`tsdesktop --version`",
}


def declarations() -> list[Declaration]:
    """Every option of `Options`, in order of declaration."""
    hints = get_type_hints(Options)
    return [_declaration(each, hints[each.name]) for each in fields(Options)]


def _declaration(each: Field[Any], hint: Any) -> Declaration:
    choices = tuple(get_args(hint)) if get_origin(hint) is Literal else ()
    many = get_origin(hint) is tuple
    if many and get_origin(one := get_args(hint)[0]) is Literal:
        choices = tuple(get_args(one))
    plain = str if choices or many else next((one for one in get_args(hint) if one is not type(None)), hint)
    return Declaration(
        name=each.name,
        flag=each.metadata["flag"] or "--" + each.name.replace("_", "-"),
        help=each.metadata["help"],
        section=each.metadata["section"],
        upstream=tuple(each.metadata["upstream"].split()),
        kind=plain,
        choices=tuple(choices),
        many=many,
        default=each.default,
        metavar=each.metadata["metavar"],
    )


def _refuse_unknown(each: Declaration, value: Any) -> None:
    for one in value if each.many else (value,):
        if each.choices and one not in each.choices:
            raise OptionsError("options.value", option=each.flag, value=str(one), allowed=" or ".join(each.choices))


def _refuse_meshes_together(formats: tuple[MeshFormatName, ...], layouts: tuple[MeshLayout, ...]) -> None:
    """Both forms of STL have the same ending; STL and PLY know no parts."""
    if {"stl", "stl-ascii"} <= set(formats):
        raise OptionsError("options.conflict", option="--meshes stl", other="--meshes stl-ascii")
    without_parts = {"stl", "ply"} & set(formats)
    if "parts" in layouts and without_parts:
        other = f"--meshes {min(without_parts)}"
        raise OptionsError("options.conflict", option="--mesh-layout parts", other=other)


def _refuse_outside(flag: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise OptionsError("options.value", option=flag, value=str(value), allowed=f"a number from {least} to {most}")
