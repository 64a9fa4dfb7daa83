"""What the files of a commit say about the version that is to be released from it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import action_files
from versions import Version

PACKAGE = "swr-image-sync"


def package_version(root: Path) -> str:
    """The version in Cargo.toml."""
    return tomllib.loads((root / "Cargo.toml").read_text())["package"]["version"]


def notes(changelog: str, version: Version | str) -> str | None:
    """The text of a version's section in CHANGELOG.md, without its heading; None where there is no section."""
    heading = rf"^## \[{re.escape(str(version))}\][^\n]*"
    # Up to the next section, or the addresses of the versions at the end.
    match = re.search(rf"{heading}\n(.*?)(?=^## |^\[[^\]]+\]: |\Z)", changelog, re.MULTILINE | re.DOTALL)
    return match and match[1].strip()


def problems(root: Path, version: Version, tags: list[str]) -> list[str]:
    """Everything that speaks against releasing the files under `root` as `version`; `tags` are those of the repository."""
    found = []
    if (said := package_version(root)) != str(version):
        found.append(f"Cargo.toml says version {said}")
    locked = tomllib.loads((root / "Cargo.lock").read_text())["package"]
    if (said := next(package["version"] for package in locked if package["name"] == PACKAGE)) != str(version):
        found.append(f"Cargo.lock says version {said}")
    found += changelog_problems((root / "CHANGELOG.md").read_text(), version)
    if version.tag in tags:
        found.append(f"the tag {version.tag} is taken, and it never moves")
    if action_files.UNPINNED not in (root / "action.yml").read_text():
        found.append(f"action.yml does not say `{action_files.UNPINNED.strip()}`")
    if (root / "binary/action.yml").read_text() != action_files.binary_action((root / "action.yml").read_text()):
        found.append("binary/action.yml is not what `python3 tools/release binary-action` makes of action.yml")
    return found


def changelog_problems(changelog: str, version: Version) -> list[str]:
    """What CHANGELOG.md lacks: a dated section with some text, the newest one, with nothing left under Unreleased."""
    dated = re.findall(r"^## \[([0-9][^\]]*)\](?: - (\d{4}-\d{2}-\d{2}))?$", changelog, re.MULTILINE)
    found = []
    if str(version) not in [name for name, _ in dated]:
        return [f"CHANGELOG.md has no section {version}"]
    if not dict(dated)[str(version)]:
        found.append(f"CHANGELOG.md gives no date for {version}")
    if not notes(changelog, version):
        found.append(f"CHANGELOG.md says nothing about {version}")
    if dated[0][0] != str(version):
        found.append(f"CHANGELOG.md has {dated[0][0]} above {version}")
    if notes(changelog, "Unreleased"):
        found.append("CHANGELOG.md still has text under Unreleased")
    return found
