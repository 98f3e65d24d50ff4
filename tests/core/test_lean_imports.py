"""In the program's own processes nibabel does not load pydicom; as a library tsdesktop changes nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

_TOLD = """
import sys
{before}
import tsdesktop.scans.nifti, nibabel
print(nibabel.nifti1.have_dicom, "pydicom" in sys.modules)
import pydicom, tsdesktop.scans.dicom
print(pydicom.dcmread.__name__)
"""
_OWN = "from tsdesktop.core.lean_imports import import_only_what_is_used as only\nonly()\nonly()"


@pytest.mark.parametrize(("before", "told"), [(_OWN, "False False"), ("", "True True")], ids=["program", "library"])
def test_pydicom_is_loaded_for_dicom_only(before: str, told: str) -> None:
    done = subprocess.run([sys.executable, "-c", _TOLD.format(before=before)], capture_output=True, text=True)
    assert done.stdout.splitlines() == [told, "dcmread"], done.stderr


def test_the_refusal_stays_once() -> None:
    code = f"import sys\nbefore = len(sys.meta_path)\n{_OWN}\nprint(len(sys.meta_path) - before)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"
