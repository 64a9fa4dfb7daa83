"""The git side of a release: the commit that pins it, and its tags."""

from __future__ import annotations

from commands import Commands, Failed, read
from versions import Version, moving_tags

AUTHOR = "github-actions[bot]"
EMAIL = "41898282+github-actions[bot]@users.noreply.github.com"


def revision() -> str:
    """The commit that is checked out."""
    return read("git", "rev-parse", "HEAD").strip()


def commit_time() -> str:
    """Its time, in seconds since 1970."""
    return read("git", "log", "-1", "--format=%ct").strip()


def remote_tags(remote: str) -> dict[str, str]:
    """The tags of the remote repository, and the commits they are at."""
    lines = read("git", "ls-remote", "--tags", remote).splitlines()
    tags = {}
    for commit, reference in (line.split("\t") for line in lines):
        # An annotated tag is told twice, the second time with `^{}` and its commit.
        tags[reference.removeprefix("refs/tags/").removesuffix("^{}")] = commit
    return tags


def commit_release(version: Version, paths: list[str]) -> None:
    """Commits the pinned files on top of the released commit, on no branch.

    The commit has the released commit's time, so that doing it again gives the same commit.
    """
    time = f"{commit_time()} +0000"
    identity = {}
    for role in ("AUTHOR", "COMMITTER"):
        identity |= {f"GIT_{role}_NAME": AUTHOR, f"GIT_{role}_EMAIL": EMAIL, f"GIT_{role}_DATE": time}
    read("git", "checkout", "--quiet", "--detach")
    message = f"release: Pin {version.tag} to its image and programs"
    read("git", "-c", "commit.gpgsign=false", "commit", "--quiet", "--message", message, "--", *paths, env=identity)


def push_version_tag(commands: Commands, remote: str, version: Version) -> None:
    """Gives the checked-out commit its tag. A tag that is there at another commit is refused by git."""
    commands.change("git", "push", remote, f"HEAD:refs/tags/{version.tag}")


def tags_to_move(remote: str, version: Version) -> list[str]:
    """Which tags move to the version."""
    return moving_tags(version, list(remote_tags(remote)))


def move_tags(commands: Commands, remote: str, version: Version, tags: list[str]) -> None:
    """Moves all of the tags to the version's commit, or none."""
    if version.tag not in remote_tags(remote):
        raise Failed(f"there is no tag {version.tag} to move others to")
    commands.change("git", "fetch", "--quiet", remote, f"refs/tags/{version.tag}")
    commands.change("git", "push", "--atomic", remote, *(f"+FETCH_HEAD:refs/tags/{tag}" for tag in tags))
