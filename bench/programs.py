"""What is compared: builds it, installs it, and knows how each is called for the same work."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from processes import Program, step, tool
from signing import ACCESS_KEY, SECRET_KEY, sync_request

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "target" / "bench"
PEERS = ROOT / "bench" / "peers"
HOST = subprocess.run(["rustc", "--print", "host-tuple"], capture_output=True, text=True, check=True).stdout.strip()

SOURCE = "cn-north-4"
TARGETS = ["cn-east-3", "ap-southeast-3", "cn-east-3/team", "ap-southeast-3/team"]
"""Those of the calls by the thousand, out of the organization `bulk`."""

ONE_CALL = ("team", "app", ["1.0.0"], "cn-east-3", "team")


def build():
    """Builds the program as the image has it, and the tools as fast as they come."""
    step("release build")
    flags = re.search(r'RUSTFLAGS="([^"]*)"', (ROOT / "Dockerfile").read_text()).group(1)
    flags = flags.replace("=/build=", f"={ROOT}=").replace("=/cargo=", f"={cargo_home()}=")
    cargo(["--release", "--bin", "swr-image-sync", "--target", HOST, "--target-dir", str(WORK / "program")], RUSTFLAGS=flags)
    step("build of the stand-in and the raw client")
    options = ["--release", "--package", "standin", "--bin", "standin", "--example", "raw_client"]
    fast = ["lto=false", "codegen-units=16", "opt-level=3"]
    settings = [word for setting in fast for word in ("--config", f"profile.release.{setting}")]
    cargo([*options, *settings, "--target-dir", str(WORK / "tools")])


def cargo(arguments, **environment):
    subprocess.run(["cargo", "build", "--quiet", "--locked", *arguments], cwd=ROOT, env=os.environ | environment, check=True)


def cargo_home():
    return os.environ.get("CARGO_HOME") or str(Path.home() / ".cargo")


def program():
    return WORK / "program" / HOST / "release" / "swr-image-sync"


def standin():
    return WORK / "tools" / "release" / "standin"


def raw_client():
    return WORK / "tools" / "release" / "examples" / "raw_client"


def install_peers():
    """Installs the vendor's SDKs, pinned, each in a folder of its own."""
    step("vendor's SDKs")
    python, node = WORK / "python", WORK / "node"
    if not (python / "bin" / "pip").exists():
        subprocess.run([sys.executable, "-m", "venv", str(python)], check=True)
    subprocess.run([python / "bin" / "pip", "install", "--quiet", "--requirement", PEERS / "requirements.txt"], check=True)
    node.mkdir(exist_ok=True)
    for name in ("package.json", "sync.mjs"):
        shutil.copy(PEERS / name, node)
    subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund"], cwd=node, check=True)
    for name in ("curl", "time", "valgrind"):
        tool(name)


def swr_image_sync(endpoint, binary=None, **inputs):
    """The program with these inputs and nothing else in its environment."""
    given = {"endpoint": endpoint, "access_key": ACCESS_KEY, "secret_key": SECRET_KEY} | inputs
    # With `_`: the shell script that starts valgrind drops names with hyphens.
    environment = {f"INPUT_{name.upper()}": str(value) for name, value in given.items()}
    return Program("swr-image-sync", [str(binary or program())], environment)


def one_sync(endpoint, binary=None, **inputs):
    return swr_image_sync(
        endpoint, binary, images=f"swr.{SOURCE}.myhuaweicloud.com/team/app:1.0.0", targets="cn-east-3", **inputs
    )


def many_syncs(endpoint, calls, binary=None, **inputs):
    """So many calls, each with one tag of a repository."""
    targets = targets_of(calls)
    repositories = range(calls // len(targets))
    images = "\n".join(f"swr.{SOURCE}.myhuaweicloud.com/bulk/r{number:04}:t00000" for number in repositories)
    path = WORK / f"images-{calls}"
    path.write_text(images)
    return swr_image_sync(endpoint, binary, images_file=path, targets=",".join(targets), **inputs)


def many_calls(calls):
    """The same calls for those who have to be told each."""
    targets = targets_of(calls)
    for number in range(calls):
        region, _, namespace = targets[number % len(targets)].partition("/")
        yield ("bulk", f"r{number // len(targets):04}", ["t00000"], region, namespace or "bulk")


def targets_of(calls):
    return TARGETS if calls % len(TARGETS) == 0 else TARGETS[:2] if calls % 2 == 0 else TARGETS[:1]


def one_sync_by_peers(url, project_id, ca=None):
    """curl with a ready signature, and a script for each SDK."""
    request = sync_request(url, ONE_CALL)
    headers = [word for name, value in request.headers.items() if name != "Host" for word in ("-H", f"{name}: {value}")]
    roots = ["--cacert", str(ca)] if ca else []
    curl = ["curl", "-sS", "--fail", "--noproxy", "*", *roots, *headers, "--data-binary", request.body, request.address]
    environment = {
        "PATH": os.environ["PATH"],
        "ENDPOINT": url,
        "ACCESS_KEY": ACCESS_KEY,
        "SECRET_KEY": SECRET_KEY,
        "PROJECT_ID": project_id,
    }
    if ca:
        environment |= {"CA_FILE": str(ca), "NODE_EXTRA_CA_CERTS": str(ca)}
    return [
        Program("curl", curl, environment),
        Program("Python SDK", [str(WORK / "python" / "bin" / "python"), str(PEERS / "sync.py")], environment),
        Program("Node SDK", ["node", str(WORK / "node" / "sync.mjs")], environment),
    ]


def many_by_curl(url, calls, concurrency):
    """`curl --parallel`, with the signatures in its configuration file."""
    path = WORK / f"curl-requests-{calls}"
    blocks = []
    for call in many_calls(calls):
        request = sync_request(url, call)
        lines = [f"url = {json.dumps(request.address)}", f"data-binary = {json.dumps(request.body)}", "output = /dev/null"]
        lines += [f"header = {json.dumps(f'{name}: {value}')}" for name, value in request.headers.items() if name != "Host"]
        blocks.append("\n".join([*lines, "silent", "fail", 'noproxy = "*"']))
    path.write_text("\nnext\n".join(blocks))
    command = ["curl", "--parallel", "--parallel-immediate", "--parallel-max", str(concurrency), "--config", str(path)]
    return Program("curl --parallel", command, {"PATH": os.environ["PATH"]})


def many_by_raw_client(url, calls, concurrency):
    path = WORK / f"raw-requests-{calls}"
    requests = (sync_request(url, call).as_bytes() for call in many_calls(calls))
    path.write_bytes(b"".join(b"%d\n%s" % (len(request), request) for request in requests))
    return Program("raw client", [str(raw_client()), url.removeprefix("http://"), str(concurrency), str(path)], {})


def size_of_folder(*folders):
    files = {path.resolve() for folder in folders for path in Path(folder).rglob("*") if path.is_file()}
    return sum(path.stat().st_size for path in files)


def versions():
    """Of everything that is compared, first words of what each says about itself."""
    commands = {
        "rustc": ["rustc", "--version"],
        "curl": ["curl", "--version"],
        "Python": [str(WORK / "python" / "bin" / "python"), "--version"],
        "Node": ["node", "--version"],
        "valgrind": ["valgrind", "--version"],
    }
    said = {
        name: subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]
        for name, command in commands.items()
    }
    said["Python SDK"] = (PEERS / "requirements.txt").read_text().strip()
    packages = json.loads((PEERS / "package.json").read_text())["dependencies"]
    said["Node SDK"] = ", ".join(f"{name} {version}" for name, version in packages.items())
    return said
