"""Statistics of all structures of a scan, beside the peer's `get_basic_statistics`; both are handed arrays.

python -m tests.benchmarks.counting CT.nii.gz LABELS.nii.gz [--peer PEER]
"""

from __future__ import annotations

from pathlib import Path

from tests.benchmarks.stages import compare, ours, parser, peers

_OURS = """
import nibabel, numpy
from tsdesktop.core.geometry import Geometry
from tsdesktop.core.tasks import catalogue
from tsdesktop.core.volume import LabelMap, Volume
from tsdesktop.measures.statistics import in_upstream_schema, structure_statistics
ct, labels = (nibabel.load(path) for path in sys.argv[1:3])
geometry = Geometry(ct.shape, ct.affine)
volume = Volume(numpy.asarray(ct.dataobj).astype(numpy.int16), geometry, "CT")
labels = numpy.asarray(labels.dataobj).astype(numpy.uint8)
classes = catalogue().task("total").classes
with measured():
    in_upstream_schema(structure_statistics(volume, LabelMap(labels, geometry, classes)))
"""
_PEERS = """
import nibabel, numpy
from totalsegmentator.statistics import get_basic_statistics
ct, labels = (nibabel.load(path) for path in sys.argv[1:3])
ct = nibabel.Nifti1Image(numpy.asarray(ct.dataobj).astype(numpy.int16), ct.affine)
labels = numpy.asarray(labels.dataobj).astype(numpy.uint8)
with measured():
    get_basic_statistics(labels, ct, quiet=True, exclude_masks_at_border=False)
"""


def main() -> None:
    """Measures one scan and its labels."""
    ask = parser(__doc__)
    ask.add_argument("ct", type=Path)
    ask.add_argument("labels", type=Path)
    given = ask.parse_args()
    files = (str(given.ct), str(given.labels))
    ways = [ours(_OURS, *files)]
    if given.peer is not None:
        ways.append(peers(given.peer, _PEERS, *files))
    compare(f"statistics of {given.labels.name}", ways, given.times, given.json)


if __name__ == "__main__":
    main()
