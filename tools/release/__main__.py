"""The steps of a release, in the order in which .github/workflows/release.yml and tests/e2e/checks/release.sh take them.

Run as `python3 tools/release STEP` at the top of a checkout of the commit that is released. Needs Python 3.11 and git, most steps
docker or skopeo. Results go to standard output as `name=value`, everything else to standard error.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

import action_files
import images
import programs
import repository
import tree
from commands import Commands, Failed
from versions import Version

ROOT = Path()
BINARY_ACTION = Path("binary/action.yml")


def check(options: argparse.Namespace) -> None:
    """Refuses a version that the files or the tags of the repository speak against; tells which release it would be."""
    version = Version.parse(options.version)
    tags = list(repository.remote_tags(options.remote))
    if problems := tree.problems(ROOT, version, tags):
        raise Failed(f"{version} cannot be released:\n  " + "\n  ".join(problems))
    print(f"version={version}")
    print(f"tag={version.tag}")
    print(f"candidate={str(version.is_candidate).lower()}")
    print(f"image={options.registry}/{options.repository.lower()}")


def binary_action(_: argparse.Namespace) -> None:
    """Makes binary/action.yml from action.yml."""
    BINARY_ACTION.write_text(action_files.binary_action(Path("action.yml").read_text()))


def bases(_: argparse.Namespace) -> None:
    """Prints the base images of the Dockerfile with the digests they have now."""
    for name, reference in images.bases(Path("Dockerfile").read_text()):
        print(f"{name}={reference}@{images.digest_of(reference)}")


def program(options: argparse.Namespace) -> None:
    """Builds the program for a target of this machine, into PROGRAMS, under the name that releases give it."""
    programs.build(options.commands, options.programs, options.target, expected())


def build(options: argparse.Namespace) -> None:
    """Builds both images for this machine's platform, tests them, and leaves them in ARCHIVES."""
    images.build(
        options.commands, options.archives, expected(), options.source, repository.commit_time(), options.standin
    )


def push(options: argparse.Namespace) -> None:
    """Puts the archives of all platforms together and pushes them, under their digests alone, which it prints."""
    digests = images.push(options.commands, options.archives, options.image, options.platforms.split(","))
    for flavour, digest in digests:
        print(f"{flavour}={digest}")


def pull_back(options: argparse.Namespace) -> None:
    """Pulls the pushed images and tests them on this machine; leaves receipts."""
    images.pull_back(
        options.commands, options.image, digests(options), expected(), options.standin, options.receipts
    )


def notes(options: argparse.Namespace) -> None:
    """Prints the notes of the release: the version's section in CHANGELOG.md, and what was released under which digest."""
    version = Version.parse(tree.package_version(ROOT))
    if not (text := tree.notes(Path("CHANGELOG.md").read_text(), version)):
        raise Failed(f"CHANGELOG.md says nothing about {version}")
    print(f"{text}\n\n### Images\n")
    for flavour, digest in digests(options):
        print(f"- `{options.image}:{version.tag}{images.FLAVOURS[flavour][0]}` is `{digest}`")
    print(f"\nBuilt from commit {repository.revision()} with {' and '.join(f'`{base}`' for base in options.base)}.")
    print("SECURITY.md says how to verify them.")


def tag(options: argparse.Namespace) -> None:
    """Pins action.yml and binary/action.yml, commits that, and gives it and the images the version's tag.

    Refuses where the images were not pulled and run on each of their platforms. Leaves SHA256SUMS beside the programs.
    """
    version = Version.parse(tree.package_version(ROOT))
    if missing := images.missing_receipts(options.image, digests(options), options.receipts):
        raise Failed(f"nothing is tagged before it was pulled and run: {', '.join(missing)}")
    checksums = programs.checksums(options.programs)
    (options.programs / "SHA256SUMS").write_text(checksums)
    action = Path("action.yml").read_text()
    released = action_files.Programs(f"{options.programs_url}/{version.tag}", checksums)
    BINARY_ACTION.write_text(action_files.binary_action(action, released))
    Path("action.yml").write_text(
        action_files.pinned_action(action, options.image, options.action, version.tag)
    )
    repository.commit_release(version, ["action.yml", str(BINARY_ACTION)])
    repository.push_version_tag(options.commands, options.remote, version)
    images.name_version(options.commands, options.image, digests(options), version.tag)


def move_tags(options: argparse.Namespace) -> None:
    """Moves `v1.2` and `v1`, of the repository and of the images, to the version, unless they are at a newer one."""
    version = Version.parse(tree.package_version(ROOT))
    tags = repository.tags_to_move(options.remote, version)
    print(f"moved={','.join(tags)}")
    if tags:
        images.move_tags(options.commands, options.image, digests(options), tags)
        repository.move_tags(options.commands, options.remote, version, tags)


def expected() -> images.Expected:
    """What the images of this checkout must say they are."""
    return images.Expected(tree.package_version(ROOT), repository.revision())


def digests(options: argparse.Namespace) -> images.Digests:
    """The digests on the command line."""
    return images.Digests(options.action, options.shell)


def digest(text: str) -> str:
    """A digest on the command line."""
    if not re.fullmatch("sha256:[0-9a-f]{64}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no digest")
    return text


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python3 tools/release", description=__doc__)
    parser.add_argument("--dry-run", action="store_true", help="only say what would be changed outside of the checkout")
    steps = parser.add_subparsers(required=True, metavar="STEP")

    def step(function, *options: str) -> None:
        summary = function.__doc__.splitlines()[0]
        name = function.__name__.replace("_", "-")
        parser = steps.add_parser(name, help=summary, description=function.__doc__)
        parser.set_defaults(step=function)
        for option in options:
            parser.add_argument(option, **OPTIONS[option])

    step(check, "version", "--repository", "--registry", "--remote")
    step(binary_action)
    step(bases)
    step(program, "programs", "--target")
    step(build, "archives", "--source", "--standin")
    step(push, "archives", "--image", "--platforms")
    step(pull_back, "receipts", "--image", "--action", "--shell", "--standin")
    step(notes, "--image", "--action", "--shell", "--base")
    step(tag, "receipts", "programs", "--programs-url", "--image", "--action", "--shell", "--remote")
    step(move_tags, "--image", "--action", "--shell", "--remote")
    return parser


OPTIONS = {
    "version": {"help": "such as 1.2.3 or 1.2.3-rc.1"},
    "archives": {"type": Path, "help": "folder of image archives"},
    "receipts": {"type": Path, "help": "folder of receipts for images that were pulled and run"},
    "programs": {"type": Path, "help": "folder of the programs for each platform"},
    "--repository": {"required": True, "help": "owner/name; gives the image its name"},
    "--registry": {"default": "ghcr.io", "help": "host of the registry (default: %(default)s)"},
    "--remote": {"default": "origin", "help": "git remote (default: %(default)s)"},
    "--source": {"required": True, "help": "address of the repository, for the labels"},
    "--base": {"action": "append", "required": True, "help": "a base image that was built with; may be repeated"},
    "--target": {"required": True, "help": "such as x86_64-unknown-linux-musl"},
    "--standin": {"type": Path, "required": True, "help": "the stand-in's program"},
    "--image": {"required": True, "help": "name of the image, without a tag"},
    "--platforms": {"required": True, "help": "such as amd64,arm64"},
    "--action": {"required": True, "type": digest, "help": "digest of the action's image"},
    "--shell": {"required": True, "type": digest, "help": "digest of the image with a shell"},
    "--programs-url": {"required": True, "help": "where releases are downloaded from; the tag and the file follow"},
}


def main() -> int:
    """Runs one step."""
    options = arguments().parse_args()
    options.commands = Commands(options.dry_run)
    try:
        options.step(options)
    except (Failed, ValueError) as failed:
        print(f"release: {failed}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
