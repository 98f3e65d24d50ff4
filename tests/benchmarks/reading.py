"""How long reading a scan takes and by how much memory grows meanwhile, beside dicom2nifti for DICOM folders.

    python -m tests.benchmarks.reading SCAN [SCAN ...] [--peer PEER]

dicom2nifti is what the peer reads DICOM with; it writes an uncompressed NIfTI, as it cannot return arrays.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.benchmarks.stages import compare, ours, parser, peers

_OURS = """
from tsdesktop.scans.reader import read_scan
import tsdesktop.scans.dicom, tsdesktop.scans.nifti
with measured():
    read_scan(sys.argv[1])
"""
_DICOM2NIFTI = """
import dicom2nifti
with measured():
    dicom2nifti.dicom_series_to_nifti(sys.argv[1], sys.argv[2], reorient_nifti=True)
"""


def main() -> None:
    """Measures every scan that is named."""
    ask = parser(__doc__)
    ask.add_argument("scans", nargs="+", type=Path)
    given = ask.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for scan in given.scans:
            ways = [ours(_OURS, str(scan))]
            if given.peer is not None and scan.is_dir():
                ways.append(peers(given.peer, _DICOM2NIFTI, str(scan), f"{folder}/a.nii", name="dicom2nifti"))
            compare(f"reading {scan.name}", ways, given.times, given.json)


if __name__ == "__main__":
    main()
