"""Runs an image as a runner does, against the stand-in: it names its version, syncs tags, and fails for one that failed."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from commands import Failed, with_environment

if TYPE_CHECKING:
    from images import Expected

IMAGES = "swr.cn-north-4.myhuaweicloud.com/team/app:1.0.0,swr.cn-north-4.myhuaweicloud.com/team/app:1.1.0"
# In the second target the second tag fails.
FAILING = {
    "tag": "1.1.0",
    "remote_region": "ap-southeast-3",
    "sync": {"named_in_answer": True, "ending": {"Status": "failed"}},
}
# Of a runner, as far as the program looks at it.
RUNNER = {"GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": "/runner/output", "GITHUB_STEP_SUMMARY": "/runner/summary"}


def test(image: str, flavour: str, expected: Expected, standin: Path) -> None:
    """Raises Failed for the first thing that is not as it must be."""
    said = run(image, flavour, "--version")
    require(f"{image} --version", said, (0, f"swr-image-sync {expected.version} ({expected.revision})\n"))
    with start(standin) as url:
        synced = sync(image, flavour, url, "cn-east-3")
        require(f"{image}: a sync", synced, (0, {"status": "success", "failed-count": "0", "synced-count": "2"}))
        ask(url, "POST", "rules", FAILING)
        failed = sync(image, flavour, url, "ap-southeast-3")
        require(f"{image}: a failing tag", failed, (1, {"status": "partial", "failed-count": "1", "synced-count": "1"}))


def require(what: str, found: object, wanted: object) -> None:
    """Stops the release where something differs."""
    if found != wanted:
        raise Failed(f"{what}: {found} instead of {wanted}")
    print(f"  {what}: {wanted}", file=sys.stderr)


def run(
    image: str, flavour: str, *arguments: str, docker: tuple[str, ...] = (), env: dict[str, str] | None = None
) -> tuple[int, str]:
    """The program in a container of the image; in the shell image through a shell, as it is meant to be used."""
    command = arguments if flavour == "action" else ("sh", "-c", 'swr-image-sync "$@"', "sh", *arguments)
    names = [word for name in env or {} for word in ("--env", name)]
    done = subprocess.run(
        ["docker", "run", "--rm", "--network", "host", *docker, *names, image, *command],
        env=with_environment(env),
        stdout=subprocess.PIPE,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout


def sync(image: str, flavour: str, url: str, target: str) -> tuple[int, dict[str, str]]:
    """The exit code of a sync of two tags, and its outputs that tell how it went."""
    key = ask(url, "GET", "world")["keys"][0]
    inputs = {
        "INPUT_IMAGES": IMAGES,
        "INPUT_TARGETS": target,
        "INPUT_ACCESS-KEY": key["access"],
        "INPUT_SECRET-KEY": key["secret"],
        "INPUT_ENDPOINT": f"{url}/swr/{{region}}",
        "INPUT_RETRIES": "0",
    }
    if flavour == "shell":
        # A shell drops variables whose names hold a hyphen.
        inputs = {name.replace("-", "_"): value for name, value in inputs.items()}
    with tempfile.TemporaryDirectory() as folder:
        for name in ("output", "summary"):
            (Path(folder) / name).touch()
        code, log = run(image, flavour, docker=("--volume", f"{folder}:/runner"), env=RUNNER | inputs)
        print(log, end="", file=sys.stderr)
        outputs = read_outputs((Path(folder) / "output").read_text())
    return code, {name: outputs.get(name, "") for name in ("status", "failed-count", "synced-count")}


def read_outputs(text: str) -> dict[str, str]:
    """The records of a GITHUB_OUTPUT file: `name=value`, or `name<<END`, lines, `END`."""
    outputs, lines = {}, iter(text.splitlines())
    for line in lines:
        name, separator, end = line.partition("<<")
        if separator and "=" not in name:
            value = []
            while (line := next(lines)) != end:
                value.append(line)
            outputs[name] = "\n".join(value)
        else:
            name, _, outputs_value = line.partition("=")
            outputs[name] = outputs_value
    return outputs


@contextmanager
def start(standin: Path):
    """The stand-in on a free port; gives its address."""
    process = subprocess.Popen([standin, "--port", "0"], stdout=subprocess.PIPE, text=True)
    try:
        url = process.stdout.readline().strip()
        if not url.startswith("http://"):
            raise Failed(f"the stand-in does not start: {url}")
        yield url
    finally:
        process.terminate()
        process.wait(timeout=15)


def ask(url: str, method: str, path: str, body: object = None) -> dict:
    """The stand-in's control API."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{url}/_standin/{path}", data=data, method=method)
    # Past any proxy: it is on loopback.
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
        return json.loads(answer.read() or b"{}")
