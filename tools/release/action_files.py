"""action.yml and binary/action.yml: the second is made from the first, and a release pins both.

action.yml is read by lines and not as YAML, so that texts and comments are carried over as they stand; its form is held by a test.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# What action.yml says on the main branch, where each runner builds the image.
UNPINNED = "\n  image: Dockerfile\n"

HEADER = """\
# Made from action.yml by `python3 tools/release binary-action`; a test holds them together.
name: swr-image-sync (binary)
author: The swr-image-sync developers
description: The same action from a released program, for runners without Docker. Needs bash, and curl or wget.
branding:
  icon: copy
  color: red

"""

STEPS = """
runs:
  using: composite
  steps:
    - name: Fetch the released program, check it, and run it
      id: program
      shell: bash
      # The path has backslashes on Windows.
      run: bash "${GITHUB_ACTION_PATH//\\\\//}/run.sh"
      env:
        # A release says here where its programs are, and what they must be.
"""


@dataclass(frozen=True)
class Programs:
    """The programs of a release."""

    # Folder they are fetched from.
    url: str
    # Lines of `sha256sum`: hash, two blanks, file name.
    checksums: str


def pinned_action(action: str, image: str, digest: str, tag: str) -> str:
    """action.yml of a release: the image of that release and no other."""
    if action.count(UNPINNED) != 1:
        raise ValueError(f"action.yml does not say `{UNPINNED.strip()}` once")
    if not re.fullmatch("sha256:[0-9a-f]{64}", digest):
        raise ValueError(f"{digest!r} is no digest")
    return action.replace(UNPINNED, f"\n  image: docker://{image}@{digest} # {tag}\n")


def binary_action(action: str, programs: Programs | None = None) -> str:
    """binary/action.yml, with the inputs and outputs of action.yml; without programs on the main branch."""
    inputs, outputs = sections(action)
    return (
        HEADER
        + inputs
        + with_values(outputs)
        + STEPS
        + programs_as_variables(programs)
        + "".join(
            f"        INPUT_{name.upper().replace('-', '_')}: ${{{{ inputs.{name} }}}}\n" for name in names(inputs)
        )
    )


def sections(action: str) -> tuple[str, str]:
    """The sections `inputs:` and `outputs:` of action.yml as they stand."""
    match = re.search(r"^(inputs:\n.*?)^(outputs:\n.*?)\nruns:\n", action, re.MULTILINE | re.DOTALL)
    if not match:
        raise ValueError("action.yml does not have inputs, outputs and runs in this order")
    return match[1], match[2]


def names(section: str) -> list[str]:
    """The names that a section declares, in order."""
    return re.findall(r"^  ([a-z][a-z0-9-]*):$", section, re.MULTILINE)


def with_values(outputs: str) -> str:
    """Outputs of a composite action say where their values come from."""
    return re.sub(
        r"^  ([a-z][a-z0-9-]*):\n    description: .*\n",
        lambda match: f"{match[0]}    value: ${{{{ steps.program.outputs.{match[1]} }}}}\n",
        outputs,
        flags=re.MULTILINE,
    )


def programs_as_variables(programs: Programs | None) -> str:
    """The two variables that run.sh reads beside the inputs."""
    if programs is None:
        return "        PROGRAMS_URL: ''\n        PROGRAMS_CHECKSUMS: ''\n"
    lines = programs.checksums.splitlines()
    if not lines or not all(re.fullmatch(r"[0-9a-f]{64}  [A-Za-z0-9._-]+", line) for line in lines):
        raise ValueError("the checksums are not lines of sha256sum")
    return f"        PROGRAMS_URL: {programs.url}\n        PROGRAMS_CHECKSUMS: |\n" + "".join(
        f"          {line}\n" for line in lines
    )
