"""The image side of a release: built for each platform, put together, pushed without a name, pulled back, and only then named.

skopeo is used for all but building and running: it keeps digests, and needs no engine.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path

import image_test
from commands import Commands, Failed, read

# What is built: the suffix of its tags, and what the build is told beside the rest.
FLAVOURS = {"action": ("", []), "shell": ("-shell", ["--target", "shell"])}

INDEX_TYPE = "application/vnd.oci.image.index.v1+json"


@dataclass(frozen=True)
class Digests:
    """The digests of the two images in a registry."""

    action: str
    shell: str

    def __iter__(self):
        return iter([("action", self.action), ("shell", self.shell)])


@dataclass(frozen=True)
class Expected:
    """What an image says about itself."""

    version: str
    revision: str


def this_platform() -> str:
    """The architecture of this machine, in the words of images."""
    machine = platform.machine()
    known = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
    if machine not in known:
        raise Failed(f"images are not made for {machine}")
    return known[machine]


def build(commands: Commands, archives: Path, expected: Expected, source: str, time: str, standin: Path) -> None:
    """Builds both images for this machine from the checkout and tests them. Only images that passed become archives."""
    # Digests of the base images, where a registry knows them.
    fixed = [name for name, _ in bases(Path("Dockerfile").read_text()) if os.environ.get(name)]
    arguments = [f"REVISION={expected.revision}", f"VERSION={expected.version}", f"SOURCE={source}"]
    arguments += [f"SOURCE_DATE_EPOCH={time}"] + [f"{name}={os.environ[name]}" for name in fixed]
    # Space-separated, for where a build needs a proxy or another network.
    more = os.environ.get("DOCKER_BUILD_OPTIONS", "").split()
    archives.mkdir(parents=True, exist_ok=True)
    for flavour, (_, options) in FLAVOURS.items():
        name = f"swr-image-sync-release:{flavour}"
        arguments_of_docker = [word for argument in arguments for word in ("--build-arg", argument)]
        commands.change(
            "docker", "build", "--tag", name, *options, *more, *arguments_of_docker, ".",
            # What else a builder adds of its own would make an index of each image.
            env={"BUILDX_NO_DEFAULT_ATTESTATIONS": "1"},
        )
        if not commands.dry_run:
            image_test.test(name, flavour, expected, standin)
        archive = archives / f"{flavour}-{this_platform()}.tar"
        commands.change("docker", "save", "--output", str(archive), name)


def push(commands: Commands, archives: Path, image: str, platforms: list[str]) -> Digests:
    """Puts the platforms of each image together and pushes it under its digest alone."""
    digests = {}
    for flavour in FLAVOURS:
        layout = archives / f"{flavour}-layout"
        for architecture in platforms:
            archive = archives / f"{flavour}-{architecture}.tar"
            if not archive.exists():
                raise Failed(f"there is no image of {flavour} for {architecture}")
            read("skopeo", "copy", "--quiet", f"docker-archive:{archive}", f"oci:{layout}:{architecture}")
        digest = put_together(layout, platforms)
        copy(commands, f"oci:{layout}:all", f"docker://{image}@{digest}")
        digests[flavour] = digest
    return Digests(**digests)


def put_together(layout: Path, platforms: list[str]) -> str:
    """Adds to an OCI layout with one image for each platform an index of them, named `all`, and returns its digest.

    It carries the labels of the images as annotations, which registries show.
    """
    manifests = {
        manifest["annotations"]["org.opencontainers.image.ref.name"]: manifest
        for manifest in json.loads((layout / "index.json").read_text())["manifests"]
    }
    entries, labels = [], {}
    for architecture in platforms:
        manifest = manifests[architecture]
        config = blob(layout, json.loads(blob(layout, manifest["digest"]))["config"]["digest"])
        config = json.loads(config)
        if config["architecture"] != architecture:
            raise Failed(f"the image for {architecture} is one for {config['architecture']}")
        labels = config["config"].get("Labels") or {}
        entry = {key: manifest[key] for key in ("mediaType", "digest", "size")}
        entries.append(entry | {"platform": {"architecture": architecture, "os": config["os"]}})
    index = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": entries, "annotations": labels}
    content = json.dumps(index, indent=2, sort_keys=True).encode()
    digest = hashlib.sha256(content).hexdigest()
    (layout / "blobs/sha256" / digest).write_bytes(content)
    entry = {"mediaType": INDEX_TYPE, "digest": f"sha256:{digest}", "size": len(content)}
    entry["annotations"] = {"org.opencontainers.image.ref.name": "all"}
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    return f"sha256:{digest}"


def blob(layout: Path, digest: str) -> bytes:
    """A blob of an OCI layout."""
    return (layout / "blobs" / digest.replace(":", "/")).read_bytes()


def pull_back(commands: Commands, image: str, digests: Digests, expected: Expected, standin: Path, receipts: Path) -> None:
    """Pulls both images by digest, as a user's runner would, and tests them; a receipt says that it was done on this platform."""
    receipts.mkdir(parents=True, exist_ok=True)
    for flavour, digest in digests:
        commands.change("docker", "pull", "--quiet", f"{image}@{digest}")
        if commands.dry_run:
            continue
        image_test.test(f"{image}@{digest}", flavour, expected, standin)
        (receipts / f"{flavour}-{this_platform()}").write_text(digest)


def missing_receipts(image: str, digests: Digests, receipts: Path) -> list[str]:
    """For which platforms of the pushed images nobody has pulled and run them."""
    missing = []
    for flavour, digest in digests:
        index = json.loads(read("skopeo", "inspect", "--raw", *verify(image, ""), f"docker://{image}@{digest}"))
        for entry in index["manifests"]:
            architecture = entry["platform"]["architecture"]
            receipt = receipts / f"{flavour}-{architecture}"
            if not receipt.exists() or receipt.read_text() != digest:
                missing.append(f"{flavour} for {architecture}")
    return missing


def name_version(commands: Commands, image: str, digests: Digests, tag: str) -> None:
    """Names both images by a tag that never moves."""
    for flavour, digest in digests:
        name = f"{tag}{FLAVOURS[flavour][0]}"
        taken = digest_of(f"{image}:{name}")
        if taken not in (None, digest):
            raise Failed(f"{image}:{name} is taken by {taken}, and it never moves")
        copy(commands, f"docker://{image}@{digest}", f"docker://{image}:{name}")


def move_tags(commands: Commands, image: str, digests: Digests, tags: list[str]) -> None:
    """Names both images by tags that move."""
    for flavour, digest in digests:
        for tag in tags:
            copy(commands, f"docker://{image}@{digest}", f"docker://{image}:{tag}{FLAVOURS[flavour][0]}")


def digest_of(reference: str) -> str | None:
    """What a name in a registry stands for, if there is such a name."""
    try:
        manifest = read("skopeo", "inspect", "--raw", *verify(reference, ""), f"docker://{reference}")
    except Failed as failed:
        if re.search("manifest unknown|name unknown", str(failed)):
            return None
        raise
    return f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"


def bases(dockerfile: str) -> list[tuple[str, str]]:
    """The build arguments that name the base images, with their defaults."""
    return re.findall(r"^ARG ([A-Z]+_IMAGE)=(\S+)$", dockerfile, re.MULTILINE)


def copy(commands: Commands, source: str, target: str) -> None:
    """Copies an index with all of its images, byte for byte."""
    flags = [*verify(source, "src-"), *verify(target, "dest-")]
    commands.change("skopeo", "copy", "--quiet", "--all", "--preserve-digests", *flags, source, target)


def verify(reference: str, side: str) -> list[str]:
    """A registry on loopback has no certificate."""
    return [f"--{side}tls-verify=false"] if re.match(r"(docker://)?127\.0\.0\.1:", reference) else []
