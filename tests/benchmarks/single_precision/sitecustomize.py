"""On PYTHONPATH: lets nnU-Net add up its windows in single precision instead of half.

With it one can see which differences to TotalSegmentator come from its half-precision sums alone. No package is
changed: the module's text is, as it is imported. Another sitecustomize on the path is run as well.
"""

import importlib.machinery
import runpy
import sys
from pathlib import Path

_MODULE = "nnunetv2.inference.predict_from_raw_data"


class _Loader(importlib.machinery.SourceFileLoader):
    def get_code(self, fullname):  # type: ignore[no-untyped-def]
        text = Path(self.path).read_text(encoding="utf-8").replace("dtype=torch.half", "dtype=torch.float")
        return compile(text, self.path, "exec")


class _Finder(importlib.machinery.PathFinder):
    @classmethod
    def find_spec(cls, fullname, path=None, target=None):  # type: ignore[no-untyped-def]
        if fullname != _MODULE:
            return None
        spec = super().find_spec(fullname, path, target)
        if spec is not None and spec.origin is not None:
            spec.loader = _Loader(fullname, spec.origin)
        return spec


sys.meta_path.insert(0, _Finder)
for _place in sys.path:
    _other = Path(_place) / "sitecustomize.py"
    if _other.is_file() and _other.resolve() != Path(__file__).resolve():
        runpy.run_path(str(_other))
        break
