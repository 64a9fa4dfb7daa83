"""What is measured. Each function returns plain figures."""

import collections
import re
import tempfile
from dataclasses import replace
from pathlib import Path

import programs
from processes import Program, interleaved, instructions_to_first_byte, median, peak_memory, run, step
from standin import Standin

LATENCY_MS = 50
CONCURRENCY = 16
CALLS = 1000
GROWTH = [10, 100, 1000, 10000]
WAIT_TAGS = 500
SYNC_SECONDS = 2


def standin(*arguments, sockets=1):
    return Standin(programs.standin(), sockets, "--forget-requests", *arguments)


def speed_of_the_standin(calls=4000):
    """Calls a second that the stand-in answers when nobody asks it to be slow, what a client needs that does nothing but ask, and how
    long that client waits longer when the stand-in is told to be slow."""
    step("speed of the stand-in")
    with standin("--port", "0", "--sized", f"{calls // 4},1") as server:
        many = programs.many_by_raw_client(server.url, calls, CONCURRENCY)
        one = programs.many_by_raw_client(server.url, 1, 1)
        walls = interleaved([many], 3)[many.name]
        alone = median(interleaved([one], 20)[one.name], "wall")
    with standin("--port", "0", "--sized", "1,1", "--latency", f"{LATENCY_MS}ms") as server:
        one = programs.many_by_raw_client(server.url, 1, 1)
        slow = median(interleaved([one], 20)[one.name], "wall")
    return {"calls_a_second": calls / median(walls, "wall"), "one_call": alone, "latency": slow - alone}


def one_sync(times, tls):
    """One sync by everyone: wall, processor time and peak memory."""
    step(f"one sync over {'TLS' if tls else 'HTTP'}")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root.pem"
        sockets = ["--port", "0", "--ca", str(root)] + (["--listen-tls", "127.0.0.1:0"] if tls else [])
        with standin(*sockets, sockets=2 if tls else 1) as server:
            url = server.urls[-1]
            roots = {"ca_certs_file": root} if tls else {}
            ours = programs.one_sync(server.endpoint(url), **roots)
            peers = programs.one_sync_by_peers(url, server.project_id(programs.SOURCE), root if tls else None)
            everyone = [ours, *peers]
            fast = interleaved(everyone[:2], times * 3)
            runs = interleaved(everyone, times) | fast
            memory = {program.name: peak_memory(program) for program in everyone}
    return {
        program.name: {
            "wall": median(runs[program.name], "wall"),
            "cpu": median(runs[program.name], "cpu"),
            "memory": memory[program.name],
            "runs": len(runs[program.name]),
        }
        for program in everyone
    }


def many_syncs(times):
    """Calls by the thousand to a server that takes its time: wall, peak memory and connections."""
    step(f"{CALLS} calls at {LATENCY_MS} ms")
    root = programs.WORK / "root.pem"
    sized = ["--sized", f"{CALLS // 4},1", "--latency", f"{LATENCY_MS}ms", "--ca", str(root)]
    with standin("--port", "0", "--listen-tls", "127.0.0.1:0", *sized, sockets=2) as server:
        width = {"concurrency": CONCURRENCY}
        encrypted = programs.many_syncs(server.endpoint(server.urls[1]), CALLS, ca_certs_file=root, **width)
        everyone = [
            programs.many_syncs(server.endpoint(), CALLS, **width),
            replace(encrypted, name="swr-image-sync, TLS and HTTP/2"),
            programs.many_by_raw_client(server.url, CALLS, CONCURRENCY),
            programs.many_by_curl(server.url, CALLS, CONCURRENCY),
        ]
        memory, connections = {}, {}
        for program in everyone:
            before = server.counters()["connections"]
            memory[program.name] = peak_memory(program)
            # The control call that asks has a connection of its own.
            connections[program.name] = server.counters()["connections"] - before - 1
        runs = interleaved(everyone, times)
    return {
        program.name: {
            "wall": median(runs[program.name], "wall"),
            "cpu": median(runs[program.name], "cpu"),
            "memory": memory[program.name],
            "connections": connections[program.name],
        }
        for program in everyone
    }


def growth(times):
    """Time and memory a call, at no latency and the default concurrency."""
    step(f"growth to {GROWTH[-1]} calls")
    figures = {}
    with standin("--port", "0", "--sized", f"{GROWTH[-1] // 4},1") as server:
        world = server.control("GET", "world")
        single = programs.one_sync(server.endpoint())
        alone = interleaved([single], times)[single.name]
        for calls in GROWTH:
            program = programs.many_syncs(server.endpoint(), calls)
            # Jobs of earlier runs would make the stand-in slower, and it is the client that is measured.
            runs = interleaved([program], max(3, min(times, 20000 // calls)), lambda _: server.control("PUT", "world", world))
            figures[calls] = {
                "wall": median(runs[program.name], "wall"),
                "cpu": median(runs[program.name], "cpu"),
                "memory": peak_memory(program),
                "wall_per_call": (median(runs[program.name], "wall") - median(alone, "wall")) / (calls - 1),
                "cpu_per_call": (median(runs[program.name], "cpu") - median(alone, "cpu")) / (calls - 1),
            }
    return figures


def wait():
    """`wait` for many tags in several targets: requests of each kind, and how long after the last landing the program knew."""
    step(f"wait for {WAIT_TAGS} tags in 4 targets")
    arguments = ["--port", "0", "--sized", f"1,{WAIT_TAGS}", "--sync-time", f"{SYNC_SECONDS}s"]
    with Standin(programs.standin(), 1, *arguments) as server:
        tags = ",".join(f"t{number:05}" for number in range(WAIT_TAGS))
        program = programs.swr_image_sync(
            server.endpoint(),
            region=programs.SOURCE,
            namespace="bulk",
            repository="r0000",
            tags=tags,
            targets=",".join(programs.TARGETS),
            wait="true",
            retries=0,
        )
        result = run(program)
        requests = server.control("GET", "requests")
    kinds = collections.Counter(kind_of(request) for request in requests)
    syncs = [request["arrived"] for request in requests if request["path"].endswith("/sync_images")]
    landed = max(syncs) + SYNC_SECONDS
    return {
        "wall": result.wall,
        "requests": dict(kinds),
        "after_landing": max(request["answered"] for request in requests) - landed,
    }


def batches():
    """A thousand tags of one repository for one target, in requests of several sizes."""
    step("size of the batches")
    with standin("--port", "0", "--sized", "1,1000", "--latency", f"{LATENCY_MS}ms") as server:
        tags = ",".join(f"t{number:05}" for number in range(1000))
        given = {"region": programs.SOURCE, "namespace": "bulk", "repository": "r0000", "tags": tags, "targets": "cn-east-3"}
        sizes = {
            size: programs.swr_image_sync(server.endpoint(), batch_size=size, **given) for size in (1, 10, 100, 1000)
        }
        return {size: median(interleaved([program], 3)[program.name], "wall") for size, program in sizes.items()}


def concurrency():
    """A hundred calls with more and more of them under way."""
    step("concurrency")
    with standin("--port", "0", "--sized", "25,1", "--latency", f"{LATENCY_MS}ms") as server:
        widths = {width: programs.many_syncs(server.endpoint(), 100, concurrency=width) for width in (1, 2, 4, 8, 16, 64)}
        return {width: median(interleaved([program], 3)[program.name], "wall") for width, program in widths.items()}


def kind_of(request):
    last = request["path"].rstrip("/").rsplit("/", 1)[-1]
    kind = last if not re.match(r"^t\d+$|^r\d+$", last) else "tag"
    return f"{request['method']} {kind}"


def start_up(dynamic):
    """Instructions to the first byte sent, of the program linked against the C library of the machine; and the least a start takes."""
    step("start-up")
    with standin("--port", "0") as server:
        version = Program("--version", [str(programs.program()), "--version"], {})
        return {
            "to_first_byte": instructions_to_first_byte(programs.one_sync(server.endpoint(), dynamic)),
            "version": median(interleaved([version], 20)[version.name], "wall"),
        }
