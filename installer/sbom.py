"""A list of the Python packages that an installer brings along, as CycloneDX 1.6 in JSON.

    .venv/bin/python installer/sbom.py sbom.json             what tsdesktop needs in this environment
    .venv/bin/python installer/sbom.py sbom.json FOLDER      what was packed into this folder

It holds names, versions, licences, addresses and package URLs (pkg:pypi/...). The same packages give the same bytes.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import uuid
from collections.abc import Iterable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tsdesktop import __version__
from tsdesktop.gui.dialogs.third_party import needed_distributions

Component = dict[str, Any]


def main(arguments: Sequence[str]) -> int:
    """Writes the list."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("folder", type=Path, nargs="?")
    chosen = parser.parse_args(arguments)
    found = needed_distributions() if chosen.folder is None else packed_in(chosen.folder)
    components = components_of(found)
    if not components:
        print(f"No packages were found in {chosen.folder}.")
        return 1
    chosen.out.write_text(json.dumps(bill(components), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{chosen.out}: {len(components)} packages")
    return 0


def packed_in(folder: Path) -> Iterable[metadata.Distribution]:
    """The packages whose metadata lie anywhere below a folder."""
    places = sorted({str(each.parent) for each in folder.rglob("*.dist-info")})
    return metadata.distributions(path=places)


def components_of(found: Iterable[metadata.Distribution]) -> list[Component]:
    """What CycloneDX says about each package, tsdesktop itself left out, by name."""
    every = {each["bom-ref"]: each for each in map(_component, found) if each["name"] != "tsdesktop"}
    return [every[name] for name in sorted(every)]


def bill(components: Sequence[Component]) -> dict[str, Any]:
    """The whole document."""
    own = _identified("application", "tsdesktop", __version__)
    listed = "\n".join(str(each["purl"]) for each in (own, *components))
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        # From what is listed, not by chance: the same list has the same number.
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, listed)}",
        "version": 1,
        "metadata": {"component": {**own, "licenses": [{"license": {"id": "Apache-2.0"}}]}},
        "components": list(components),
        "dependencies": [{"ref": own["bom-ref"], "dependsOn": [each["bom-ref"] for each in components]}],
    }


def _component(distribution: metadata.Distribution) -> Component:
    told = distribution.metadata
    made = _identified("library", told["Name"], distribution.version)
    licences = _licences(told)
    if licences:
        made["licenses"] = licences
    address = _stated(told, "Home-page") or _stated(told, "Project-URL").partition(", ")[2]
    if address.startswith(("https://", "http://")):
        made["externalReferences"] = [{"type": "website", "url": address}]
    return made


def _identified(kind: str, name: str, version: str) -> Component:
    """Package URLs write names in small letters with hyphens, and a plus as %2B (purl specification, type pypi)."""
    spelled = re.sub(r"[-_.]+", "-", name).lower()
    purl = f"pkg:pypi/{spelled}@{version.replace('+', '%2B')}"
    return {"type": kind, "bom-ref": purl, "name": name, "version": version, "purl": purl}


def _licences(told: metadata.PackageMetadata) -> list[dict[str, Any]]:
    expression = _stated(told, "License-Expression")
    if expression:
        return [{"expression": expression}]
    kinds = [each.split(" :: ")[-1] for each in told.get_all("Classifier") or () if each.startswith("License :: ")]
    stated = _stated(told, "License").strip().partition("\n")[0]
    names = kinds or ([stated] if stated and stated != "UNKNOWN" else [])
    return [{"license": {"name": name}} for name in names]


def _stated(told: metadata.PackageMetadata, field: str) -> str:
    return str(next(iter(told.get_all(field) or ()), ""))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
