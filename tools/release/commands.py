"""How other programs are called: each call that changes something is told, and with `--dry-run` only told."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from dataclasses import dataclass


class Failed(Exception):
    """The release cannot go on; the text says why."""


@dataclass(frozen=True)
class Commands:
    """Calls programs, or only says which it would call."""

    dry_run: bool = False

    def change(self, *words: str, env: dict[str, str] | None = None) -> None:
        """A call that changes something outside of this checkout, or takes long. Raises Failed where it fails."""
        print("+", shlex.join(words), file=sys.stderr, flush=True)
        if self.dry_run:
            return
        # What it prints is for people; only results go to standard output.
        done = subprocess.run(words, env=with_environment(env), stdout=sys.stderr, check=False)
        if done.returncode:
            raise Failed(f"{words[0]} {words[1]} ended with {done.returncode}")


def read(*words: str, env: dict[str, str] | None = None) -> str:
    """What a call that changes nothing prints. Raises Failed with what it says on standard error where it fails."""
    done = subprocess.run(words, env=with_environment(env), capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"{shlex.join(words)} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def with_environment(env: dict[str, str] | None) -> dict[str, str]:
    """The environment of this process with some more variables."""
    return os.environ | (env or {})
