"""Versions, and which tags a release moves."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Version:
    """`1.2.3`, or its third candidate `1.2.3-rc.3`. Ordered: a candidate comes before the version itself."""

    major: int
    minor: int
    patch: int
    # Number of the candidate; above every candidate for the version itself.
    candidate: float = float("inf")

    @classmethod
    def parse(cls, text: str) -> Version:
        """Raises ValueError for anything but `1.2.3` and `1.2.3-rc.4`."""
        number = "(0|[1-9][0-9]*)"
        match = re.fullmatch(rf"{number}\.{number}\.{number}(?:-rc\.{number})?", text)
        if not match:
            raise ValueError(f"{text!r} is no version like 1.2.3 or 1.2.3-rc.1")
        major, minor, patch, candidate = match.groups()
        return cls(int(major), int(minor), int(patch), float("inf") if candidate is None else int(candidate))

    @property
    def is_candidate(self) -> bool:
        """Whether this is tried before the release of the same number."""
        return self.candidate != float("inf")

    @property
    def tag(self) -> str:
        """The tag that never moves."""
        return f"v{self}"

    def __str__(self) -> str:
        suffix = f"-rc.{self.candidate}" if self.is_candidate else ""
        return f"{self.major}.{self.minor}.{self.patch}{suffix}"


def released(tags: list[str]) -> list[Version]:
    """The versions among the tags of a repository; other tags are passed over."""
    versions = []
    for tag in tags:
        try:
            versions.append(Version.parse(tag.removeprefix("v")))
        except ValueError:
            continue
    return versions


def moving_tags(version: Version, tags: list[str]) -> list[str]:
    """The tags that move to this version: `v1.2` and `v1`, unless they are at a newer one, as after a fix of an older line.

    A candidate moves none.
    """
    if version.is_candidate:
        return []
    newer = [other for other in released(tags) if other > version and not other.is_candidate]
    moving = []
    if not any((other.major, other.minor) == (version.major, version.minor) for other in newer):
        moving.append(f"v{version.major}.{version.minor}")
    if not any(other.major == version.major for other in newer):
        moving.append(f"v{version.major}")
    return moving
