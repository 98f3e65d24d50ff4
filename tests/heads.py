"""Artificial heads with a known face and brain, on any grid, and as DICOM files full of patient data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage
from scipy.spatial.transform import Rotation

from tsdesktop.core.geometry import Geometry
from tsdesktop.core.volume import Modality, Volume

# RAS mm, the middle of the head at the origin.
NOSE_TIP = (0.0, 111.0, -35.0)
_VALUES = {"CT": (-1000.0, 40.0, 900.0, 35.0), "MR": (3.0, 120.0, 25.0, 200.0)}
TURNED = Rotation.from_euler("xyz", [6, -4, 8], degrees=True).as_matrix()


@dataclass(frozen=True, eq=False)
class Phantom:
    """A scan, and the true places of its parts [i, j, k]: the whole head, the brain, the skin of the face."""

    volume: Volume
    head: NDArray[np.bool_]
    brain: NDArray[np.bool_]
    face_skin: NDArray[np.bool_]


def grid(spacing_mm: tuple[float, float, float] = (2.0, 2.0, 3.0), *, top_mm: float = 130.0) -> Geometry:
    """An oblique grid, its axes towards left, back and head, from the neck to `top_mm`."""
    size = (190.0, 270.0, top_mm + 140.0)
    shape = tuple(round(extent / step) for extent, step in zip(size, spacing_mm, strict=True))
    matrix = TURNED @ np.diag([-spacing_mm[0], -spacing_mm[1], spacing_mm[2]])
    middle = np.array([0.0, 25.0, (top_mm - 140.0) / 2])
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = matrix, middle - matrix @ ((np.array(shape) - 1) / 2)
    return Geometry((shape[0], shape[1], shape[2]), affine)


def head_phantom(geometry: Geometry, modality: Modality = "MR") -> Phantom:
    """A head with nose, chin, neck, skull and brain, noise in all of it."""
    i, j, k = (axis.astype(float) for axis in np.indices(geometry.shape))
    places = np.stack([i, j, k], axis=-1)
    x, y, z = np.moveaxis(geometry.world_ras(places), -1, 0)
    skull_of: Callable[[float], NDArray[np.bool_]] = lambda r: np.asarray(  # noqa: E731
        (x / (61 + r)) ** 2 + ((y + 5) / (78 + r)) ** 2 + ((z - 25) / (72 + r)) ** 2 <= 1
    )
    outer = (x / 75) ** 2 + (y / 95) ** 2 + (z / 115) ** 2 <= 1
    nose = (x / 14) ** 2 + ((y - 92) / 20) ** 2 + ((z + 35) / 22) ** 2 <= 1
    chin = (x / 26) ** 2 + ((y - 58) / 24) ** 2 + ((z + 92) / 20) ** 2 <= 1
    neck = (x / 58) ** 2 + ((y + 25) / 58) ** 2 <= 1
    head = outer | nose | chin | (neck & (z < -60))
    brain, skull = skull_of(0.0), skull_of(7.0)
    air, soft, bone, inside = _VALUES[modality]
    values = np.select([brain, skull & head, head], [inside, bone, soft], air)
    values += np.random.default_rng(3).normal(0, 2.0, values.shape)
    array = np.maximum(values, 0).astype(np.int16) if modality == "MR" else values.astype(np.int16)
    inner = (x / 70) ** 2 + (y / 90) ** 2 + (z / 110) ** 2 <= 1
    face = (head & ~inner & (y > 40) & (np.abs(x) < 45) & (z < 0) & (z > -85)) | nose
    return Phantom(Volume(array, geometry, modality), head, brain, face)


SECRETS = {
    "PatientName": "Musterfrau^Erika^Maria",
    "PatientID": "PID-4711-X",
    "PatientBirthDate": "19640812",
    "PatientAddress": "Lindenweg 12 Hinterdorf",
    "OtherPatientIDs": "OPID-99231",
    "AccessionNumber": "ACC20230517",
    "InstitutionName": "Kantonsspital Hinterdorf",
    "ReferringPhysicianName": "Zwanziger^Otto",
    "StudyDate": "20230517",
    "SeriesDate": "20230518",
    "AcquisitionDateTime": "20230519101112.000000",
    "StationName": "SCANNERZWEI",
    "DeviceSerialNumber": "SN-55512",
    "StudyInstanceUID": "1.2.826.0.1.3680043.99.1.71",
    "SeriesInstanceUID": "1.2.826.0.1.3680043.99.1.72",
    "FrameOfReferenceUID": "1.2.826.0.1.3680043.99.1.73",
    "StudyID": "STUDY8812",
    "PatientComments": "Tochter von Gundula",
}
PRIVATE, HIDDEN_NAME, NESTED_UID = "geheimes Privatfeld", "Doppelgaenger^Egon", "1.2.826.0.1.3680043.99.1.99"
INSTANCE = "1.2.826.0.1.3680043.99.2.{number}"


def write_mr_series(phantom: Phantom, folder: Path, **tags: Any) -> list[Path]:
    """The phantom's slices as MR files with every kind of identifying attribute, nested ones and private ones too."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for k in range(phantom.volume.geometry.shape[2]):
        dataset = _slice(phantom.volume, k)
        for key, value in tags.items():
            setattr(dataset, key, value)
        path = folder / f"Musterfrau_{k:03d}.dcm"
        dataset.save_as(path, enforce_file_format=True)
        paths.append(path)
    return paths


def _slice(volume: Volume, k: int) -> FileDataset:
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ volume.affine
    spacing = volume.spacing_mm
    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, MRImageStorage
    meta.MediaStorageSOPInstanceUID = INSTANCE.format(number=k + 1)
    meta.SourceApplicationEntityTitle = "HINTERDORF_AE"
    ds = FileDataset(None, {}, file_meta=meta, preamble=b"Musterfrau".ljust(128, b"\0"))
    for key, value in SECRETS.items():
        setattr(ds, key, value)
    ds.SOPClassUID, ds.SOPInstanceUID = MRImageStorage, meta.MediaStorageSOPInstanceUID
    ds.Modality, ds.SeriesNumber, ds.InstanceNumber, ds.AcquisitionNumber = "MR", 4, k + 1, 1
    ds.ImageType = ["ORIGINAL", "PRIMARY", "M"]
    ds.Manufacturer, ds.ManufacturerModelName, ds.SoftwareVersions = "ACME", "Magnet 3", "E11"
    ds.StudyTime, ds.ContentDate, ds.ContentTime = "101112", "20230519", "111213"
    ds.ScanningSequence, ds.SequenceVariant, ds.ScanOptions, ds.MRAcquisitionType = "GR", "SP", "", "3D"
    ds.RepetitionTime, ds.EchoTime, ds.EchoTrainLength, ds.SliceThickness = 9.0, 3.0, 1, round(spacing[2], 6)
    ds.PatientPosition, ds.PatientSex, ds.PositionReferenceIndicator, ds.Laterality = "HFS", "F", "", ""
    ds.ImagePositionPatient = [f"{each:.8g}" for each in affine[:3] @ [0, 0, k, 1]]
    ds.ImageOrientationPatient = [f"{each:.8f}" for each in (affine[:3, :2] / spacing[:2]).T.ravel()]
    ds.PixelSpacing = [round(spacing[1], 6), round(spacing[0], 6)]
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PixelRepresentation = 1, "MONOCHROME2", 0
    ds.Rows, ds.Columns = volume.geometry.shape[1], volume.geometry.shape[0]
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, 12, 11
    ds.PixelData = np.ascontiguousarray(volume.array[:, :, k].T).astype("<u2").tobytes()
    _hide(ds, k)
    return ds


def _hide(ds: FileDataset, k: int) -> None:
    """Names, numbers and references where one does not look for them first."""
    block = ds.private_block(0x0029, "ACME HEADER", create=True)
    block.add_new(0x10, "LO", PRIVATE)
    reference = Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = MRImageStorage, INSTANCE.format(number=1)
    other = Dataset()
    other.ReferencedSOPClassUID, other.ReferencedSOPInstanceUID = MRImageStorage, NESTED_UID
    ds.ReferencedImageSequence = Sequence([reference, other])
    step = Dataset()
    step.RequestedProcedureID, step.ScheduledProcedureStepDescription = "PROC-3321", "Kopf Musterfrau"
    ds.RequestAttributesSequence = Sequence([step])
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "T-D1100", "SRT", "Head"
    code.add_new(0x00081048, "PN", HIDDEN_NAME)
    ds.AnatomicRegionSequence = Sequence([code])
    # The coil's name is kept by the profile: here somebody wrote the patient's name into it.
    ds.ReceiveCoilName = "Coil MUSTERFRAU"
    ds.add_new(0x60000010, "US", 4)
    ds.add_new(0x60003000, "OW", b"Overlay!")
    ds.add_new(0x60000022, "LO", "Erika overlay")
