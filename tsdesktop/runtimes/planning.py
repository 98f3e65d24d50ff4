"""Which wheels make the set for a driver: torch in the version that is installed, and what its metadata asks for."""

from __future__ import annotations

import importlib.metadata
import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.tags import Tag, sys_tags
from packaging.utils import canonicalize_name

from tsdesktop.core.errors import LibraryError
from tsdesktop.core.torch_build import TorchBuild, torch_build
from tsdesktop.runtimes.builds import BUILDS, Build, build_for_cuda, builds_for, refusal, suits
from tsdesktop.runtimes.cards import Driver
from tsdesktop.runtimes.index import Wheel, host_of, package_index, torch_index, wheels_of
from tsdesktop.runtimes.metadata import requirements_of
from tsdesktop.runtimes.pages import Reader
from tsdesktop.runtimes.places import parts_folder, set_name
from tsdesktop.weights.parts import length_of
from tsdesktop.weights.stopping import Stop

log = logging.getLogger(__name__)
# torch loads it only to compile networks, which this program does not do; it would be 200 MB more.
_NOT_NEEDED = frozenset({"triton"})
# Measured on torch 2.13.0 for CUDA 13.0 on Linux: 2.53 GB of wheels hold 4.01 GB of files.
_UNPACKED_TIMES = 1.7
_MOST_WHEELS = 60
_CUDA_OF = re.compile(r"(?:nvidia-cuda-runtime(?:-cu\d+)?|cuda-toolkit)$")


@dataclass(frozen=True)
class Plan:
    """What is to be fetched: the wheels, torch first, and for which build; `name` is that of the set's folder."""

    name: str
    release: str
    build: str
    host: str
    wheels: tuple[Wheel, ...]

    @property
    def total_bytes(self) -> int:
        """All wheels together."""
        return sum(each.size or 0 for each in self.wheels)

    @property
    def needed_bytes(self) -> int:
        """What of it is not here yet."""
        return sum(max(0, (each.size or 0) - length_of(parts_folder() / part_name(each))) for each in self.wheels)

    @property
    def installed_bytes(self) -> int:
        """About how much it takes on the disk once it is installed; at least this is not known before."""
        return round(_UNPACKED_TIMES * self.total_bytes)

    @property
    def space_bytes(self) -> int:
        """How much must be free: what is still to come, and all of it unpacked beside."""
        return self.needed_bytes + self.installed_bytes


def part_name(wheel: Wheel) -> str:
    """The file in which a wheel arrives."""
    return f"{wheel.file_name}.part"


def installed_torch() -> TorchBuild:
    """The torch that the set is to stand in for. Raises LibraryError where it needs no other."""
    build = torch_build()
    if build is None or not build.version:
        raise LibraryError("runtime.no_torch")
    if build.knows_cards:
        raise LibraryError("runtime.not_needed")
    return build


def obstacle(driver: Driver | None) -> LibraryError | None:
    """Why nothing can be fetched for this computer; None where something can. Asks nobody."""
    try:
        installed_torch()
    except LibraryError as error:
        return error
    return refusal(driver)


def make_plan(driver: Driver | None, stop: Stop) -> Plan:
    """Asks the indexes what to fetch for the cards of `driver`; nothing is fetched yet.

    Raises LibraryError when nothing suits this computer or the indexes do not have it; WeightsError; Cancelled.
    """
    problem = obstacle(driver)
    if problem is not None or driver is None:
        raise problem or LibraryError("runtime.no_driver")
    torch = installed_torch()
    with Reader(stop) as reader:
        release = torch.release
        found = _from_package_index(release, driver, reader) or _from_torch_index(release, driver, reader)
        if found is None:
            raise LibraryError("runtime.no_wheel", index=_asked(driver), version=release)
        build, wheel, needs = found
        wheels = [_complete(each, reader) for each in (wheel, *_Companions(reader).chosen(needs))]
    return Plan(set_name(torch.release, build.name), torch.release, build.name, host_of(wheel.address), tuple(wheels))


_Found = tuple[Build, Wheel, Sequence[Requirement]]


def _from_package_index(release: str, driver: Driver, reader: Reader) -> _Found | None:
    """Python's index holds one build for each system; on Windows it is one for processors."""
    wheel = _best(wheels_of(package_index(), "torch", reader), SpecifierSet(f"=={release}"))
    if wheel is None:
        return None
    needs = requirements_of(wheel, reader)
    build = _build_of(needs)
    return (build, wheel, needs) if build is not None and suits(build, driver) else None


def _from_torch_index(release: str, driver: Driver, reader: Reader) -> _Found | None:
    for build in builds_for(driver):
        index = torch_index(build.name)
        wheel = _best(wheels_of(index, "torch", reader), SpecifierSet(f"=={release}+{build.name}"))
        if wheel is not None:
            return build, wheel, requirements_of(wheel, reader)
    return None


def _build_of(needs: Iterable[Requirement]) -> Build | None:
    """Which CUDA a build is for: the version of CUDA's own library that it asks for; None where it asks for none."""
    for each in needs:
        if _CUDA_OF.fullmatch(canonicalize_name(each.name)) and _holds(each, ()):
            numbers = [re.match(r"(\d+)\.(\d+)", spec.version) for spec in each.specifier]
            told = next((found for found in numbers if found), None)
            if told is not None:
                return build_for_cuda((int(told[1]), int(told[2])))
    return None


class _Companions:
    """What torch for processors does not need, and what that needs in turn."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._index = package_index()
        self._limits: dict[str, SpecifierSet] = {}
        self._listed: dict[str, tuple[Wheel, ...]] = {}
        self._needs: dict[Wheel, tuple[Requirement, ...]] = {}

    def chosen(self, needs: Iterable[Requirement]) -> list[Wheel]:
        """A wheel for each package, once. Raises LibraryError when there is none that all agree on."""
        while True:
            before = dict(self._limits)
            found = self._choose(needs)
            if self._limits == before:
                # What was asked for late has been heeded from the beginning.
                return found

    def _choose(self, needs: Iterable[Requirement]) -> list[Wheel]:
        found: dict[str, Wheel] = {}
        looked_at: set[tuple[Wheel, frozenset[str]]] = set()
        asked = _asked_for(needs, ())
        while asked:
            requirement = asked.pop(0)
            name = canonicalize_name(requirement.name)
            wheel = found[name] = self._best(name, requirement)
            key = (wheel, frozenset(requirement.extras))
            if key not in looked_at:
                looked_at.add(key)
                asked += _asked_for(self._needs_of(wheel), tuple(requirement.extras))
            if len(found) > _MOST_WHEELS:
                raise LibraryError("runtime.no_dependency", index=host_of(self._index), requirement=str(requirement))
        return list(found.values())

    def _best(self, name: str, requirement: Requirement) -> Wheel:
        limits = self._limits.get(name, SpecifierSet()) & requirement.specifier
        self._limits[name] = limits
        if name not in self._listed:
            self._listed[name] = wheels_of(self._index, name, self._reader)
        wheel = _best(self._listed[name], limits)
        if wheel is None:
            raise LibraryError("runtime.no_dependency", index=host_of(self._index), requirement=f"{name}{limits}")
        return wheel

    def _needs_of(self, wheel: Wheel) -> tuple[Requirement, ...]:
        if wheel not in self._needs:
            self._needs[wheel] = requirements_of(wheel, self._reader)
        return self._needs[wheel]


def _asked_for(needs: Iterable[Requirement], extras: Sequence[str]) -> list[Requirement]:
    """Those that hold here, for whoever asks with `extras`, and do not come with the program."""
    return [each for each in needs if canonicalize_name(each.name) not in _provided() and _holds(each, extras)]


@cache
def _provided() -> frozenset[str]:
    """What comes with the program: all that its own torch needs. What is left out of that is not needed either."""
    told = importlib.metadata.requires("torch") or []
    return _NOT_NEEDED | {canonicalize_name(Requirement(each).name) for each in told}


def missing_requirement(needs: Iterable[Requirement], names: Iterable[str], extras: Sequence[str] = ()) -> str:
    """The first requirement that neither the program nor a set with the packages `names` has; "" for none."""
    have = {canonicalize_name(each) for each in names}
    lacking = (each for each in _asked_for(needs, extras) if canonicalize_name(each.name) not in have)
    return next((str(each) for each in lacking), "")


def _holds(requirement: Requirement, extras: Sequence[str]) -> bool:
    """Whether it is asked for on this system, by whoever asks with `extras`."""
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": each}) for each in extras or ("",))


def _best(wheels: Iterable[Wheel], limits: SpecifierSet) -> Wheel | None:
    """The newest version that is allowed and has a wheel for this system, its most specific one."""
    order = {tag: number for number, tag in enumerate(_tags())}

    def rank(wheel: Wheel) -> int:
        return min((order[tag] for tag in wheel.tags if tag in order), default=len(order))

    fitting = [each for each in wheels if rank(each) < len(order) and limits.contains(each.version, False)]
    return max(fitting, key=lambda each: (each.version, -rank(each)), default=None)


@cache
def _tags() -> tuple[Tag, ...]:
    return tuple(sys_tags())


def _complete(wheel: Wheel, reader: Reader) -> Wheel:
    """With its size, which an index of links does not tell. Raises LibraryError for one without a published hash."""
    if not wheel.sha256:
        raise LibraryError("runtime.no_hash", index=host_of(wheel.address), name=wheel.file_name)
    if wheel.size is not None:
        return wheel
    first = reader.part(wheel.address, 0, 0)
    return wheel if first is None else replace(wheel, size=first.total_bytes)


def _asked(driver: Driver) -> str:
    tried = ", ".join(each.name for each in BUILDS if suits(each, driver))
    return f"{host_of(torch_index(''))} ({tried})"
