"""Write the bundled sample scan: one phantom from its seed, as NIfTI.

    python installer/demo/make_sample.py
"""  # fmt: skip

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import logging
from pathlib import Path

import nibabel as nib
from phantom import Phantom, make_phantom

log = logging.getLogger(__name__)

SEED = 1786
SPACING_MM = (3.0, 3.0, 3.0)
SAMPLE = Path(__file__).resolve().parents[2] / "assets" / "sample" / "ct.nii.gz"


def sample() -> Phantom:
    """The sample scan with its truth."""
    return make_phantom(SEED, spacing_mm=SPACING_MM)


def nifti_bytes(phantom: Phantom) -> bytes:
    """The scan as .nii.gz; the same phantom gives the same bytes."""
    image = nib.nifti1.Nifti1Image(phantom.hu, phantom.affine, dtype="int16")
    image.header.set_xyzt_units("mm")
    image.set_sform(phantom.affine, code=1)
    image.set_qform(phantom.affine, code=1)
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=packed, mtime=0) as stream:
        stream.write(image.to_bytes())
    return packed.getvalue()


def main() -> None:
    """Read the command line and do it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=SAMPLE, help="file to write")
    path = parser.parse_args().out
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    content = nifti_bytes(sample())
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(content)
    part.replace(path)
    log.info("%s  %s, %.2f MB", hashlib.sha256(content).hexdigest(), path.name, len(content) / 1e6)


if __name__ == "__main__":
    main()
