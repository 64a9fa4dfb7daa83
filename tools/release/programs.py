"""The programs that binary/ runs, one for each platform."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from commands import Commands, Failed, read

if TYPE_CHECKING:
    from images import Expected

PREFIX = "swr-image-sync-"


def file_name(target: str) -> str:
    """What the program for a target is called; binary/run.sh asks for these names."""
    systems = {"linux": "linux", "darwin": "macos", "windows": "windows"}
    processor, system = target.split("-")[0], next((name for word, name in systems.items() if word in target), None)
    if not system:
        raise Failed(f"programs are not made for {target}")
    return f"{PREFIX}{system}-{processor}{'.exe' if system == 'windows' else ''}"


def build(commands: Commands, folder: Path, target: str, expected: Expected) -> None:
    """Builds the program; it names its version and commit."""
    cargo_home = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
    # No path of the machine that it was built on stays in it.
    flags = [f"--remap-path-prefix={Path.cwd()}=.", f"--remap-path-prefix={cargo_home}=cargo"]
    if "windows" in target:
        # Nothing else has to be installed.
        flags.append("-Ctarget-feature=+crt-static")
    # Flags that hold blanks survive only so.
    env = {"CARGO_ENCODED_RUSTFLAGS": "\x1f".join(flags), "SWR_IMAGE_SYNC_REVISION": expected.revision}
    commands.change("cargo", "build", "--release", "--locked", "--bin", "swr-image-sync", "--target", target, env=env)
    built = Path(os.environ.get("CARGO_TARGET_DIR", "target")) / target / "release/swr-image-sync"
    program = folder / file_name(target)
    folder.mkdir(parents=True, exist_ok=True)
    if commands.dry_run:
        return
    shutil.copy(built.with_suffix(program.suffix), program)
    said = read(str(program.resolve()), "--version")
    if said != f"swr-image-sync {expected.version} ({expected.revision})\n":
        raise Failed(f"{program} says it is {said!r}")


def checksums(folder: Path) -> str:
    """Lines of `sha256sum` for the programs in a folder."""
    files = sorted(path for path in folder.iterdir() if path.name.startswith(PREFIX))
    if not files:
        raise Failed(f"there are no programs in {folder}")
    return "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files)
