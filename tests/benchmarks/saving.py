"""One file per structure, beside the peer's own function in as many processes as its command uses; and a preview.

    python -m tests.benchmarks.saving CT.nii.gz LABELS.nii.gz [--peer PEER]

The peer's picture needs a display and is left out here; comparing whole commands counts it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.benchmarks.stages import compare, ours, parser, peers

_PREPARED = """
from pathlib import Path
import nibabel, numpy
from tsdesktop.core.geometry import Geometry
from tsdesktop.core.tasks import catalogue
from tsdesktop.core.volume import LabelMap, Volume
from tsdesktop.exports.nifti import write_per_class
from tsdesktop.surfaces.preview import render_preview
ct, labels = (nibabel.load(path) for path in sys.argv[1:3])
geometry = Geometry(ct.shape, ct.affine)
volume = Volume(numpy.asarray(ct.dataobj).astype(numpy.int16), geometry, "CT")
labels = LabelMap(numpy.asarray(labels.dataobj).astype(numpy.uint8), geometry, catalogue().task("total").classes)
folder = Path(sys.argv[3])
"""
_OURS = (
    _PREPARED
    + """
with measured():
    write_per_class(labels, folder, overwrite=True)
"""
)
_PREVIEW = (
    _PREPARED
    + """
with measured():
    render_preview(volume, labels, folder / "preview.png", overwrite=True)
"""
)
_PEERS = """
from functools import partial
from multiprocessing import get_context
from pathlib import Path
import shutil, tempfile
import nibabel
from totalsegmentator.map_to_binary import class_map
from totalsegmentator.nnunet import save_segmentation_nifti
header = nibabel.load(sys.argv[1]).header
with tempfile.TemporaryDirectory() as folder, measured():
    shutil.copy(sys.argv[2], Path(folder) / "s01.nii.gz")
    save = partial(save_segmentation_nifti, tmp_dir=Path(folder), file_out=Path(sys.argv[3]), nora_tag="None",
                   header=header, task_name="total", quiet=True)
    with get_context("fork").Pool(6) as pool:
        pool.map(save, list(class_map["total"].items()))
        pool.close()
        pool.join()
"""


def main() -> None:
    """Measures one scan and its labels."""
    ask = parser(__doc__)
    ask.add_argument("ct", type=Path)
    ask.add_argument("labels", type=Path)
    ask.add_argument("--peer-path", type=Path, help="folder for the peer's PYTHONPATH")
    given = ask.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = (str(given.ct), str(given.labels), folder)
        ways = [ours(_OURS, *files)]
        if given.peer is not None:
            ways.append(peers(given.peer, _PEERS, *files, path=given.peer_path))
        compare(f"one file per structure of {given.labels.name}", ways, given.times, given.json)
        compare(f"preview of {given.labels.name}", [ours(_PREVIEW, *files)], given.times, given.json)


if __name__ == "__main__":
    main()
