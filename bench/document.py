"""The figures as docs/performance.md."""

import datetime
import os
import platform
import re
import string
from pathlib import Path

from scenarios import CALLS, CONCURRENCY, GROWTH, LATENCY_MS, SYNC_SECONDS, WAIT_TAGS

OURS = "swr-image-sync"


def page(figures):
    template = (Path(__file__).parent / "performance.md.in").read_text()
    parts = {
        "machine": machine(figures["versions"]),
        "goals": goals(figures),
        "standin": standin(figures["standin"]),
        "one_http": one_sync(figures["http"]),
        "one_tls": one_sync(figures["tls"]),
        "sizes": sizes(figures),
        "many": many(figures["many"], figures["standin"]["latency"]),
        "growth": growth(figures["growth"]),
        "wait": wait(figures["wait"]),
        "start": start(figures),
        "batches": walls("tags in a request", figures["batches"]),
        "concurrency": walls("calls at once", figures["concurrency"]),
    }
    return string.Template(template).substitute(parts)


def goals(figures):
    """Each goal, what was measured, and whether it is reached."""
    http, tls, many_, growth_ = figures["http"], figures["tls"], figures["many"], figures["growth"]
    ours = http[OURS]
    raw = many_["raw client"]["wall"]
    sdks = min(http[name]["wall"] for name in ("Python SDK", "Node SDK"))
    memory = (growth_[GROWTH[-1]]["memory"] - growth_[100]["memory"]) / (GROWTH[-1] - 100)
    rows = [
        ("one sync, wall, against curl with a ready signature", ours["wall"] / http["curl"]["wall"], 1.0, "×"),
        ("the same over TLS", tls[OURS]["wall"] / tls["curl"]["wall"], 1.0, "×"),
        ("one sync, times faster than the faster SDK script", sdks / ours["wall"], -25, "×"),
        ("one sync, peak memory", ours["memory"] / 1024, 8, "MiB"),
        (f"{CALLS:,} calls at {LATENCY_MS} ms, wall, against the raw client", many_[OURS]["wall"] / raw, 1.03, "×"),
        (f"{CALLS:,} calls, peak memory", many_[OURS]["memory"] / 1024, 12, "MiB"),
        (f"{CALLS:,} calls, connections", many_[OURS]["connections"], CONCURRENCY, ""),
        (
            f"processor time a call at {GROWTH[-1]:,} calls, against that at 100",
            growth_[GROWTH[-1]]["cpu_per_call"] / growth_[100]["cpu_per_call"],
            1.1,
            "×",
        ),
        (
            f"wall a call at {GROWTH[-1]:,} calls, against that at 100",
            growth_[GROWTH[-1]]["wall_per_call"] / growth_[100]["wall_per_call"],
            1.1,
            "×",
        ),
        ("memory a call", memory, 2, "KiB"),
    ]
    if image := figures["image"]:
        rows.append(("image", image["size"] / 1e6, 4, "MB"))
        rows.append(("clean image build", image["build"] / 1000, 90, "s"))
    lines = []
    for name, figure, bound, unit in rows:
        reached = figure >= -bound if bound < 0 else figure <= bound
        limit = f"≥ {-bound}" if bound < 0 else f"≤ {bound}"
        lines.append([name, f"{limit} {unit}".strip(), f"{figure:.2f} {unit}".strip(), "yes" if reached else "**no**"])
    return table(["goal", "bound", "measured", "reached"], lines)


def one_sync(figures):
    lines = [
        [
            name,
            milliseconds(row["wall"]),
            f"{row['wall'] / figures[OURS]['wall']:.2f}",
            milliseconds(row["cpu"]),
            f"{row['memory'] / 1024:.1f} MiB",
            str(row["runs"]),
        ]
        for name, row in figures.items()
    ]
    return table(["", "wall", "ratio", "processor", "peak memory", "runs"], lines)


def many(figures, latency):
    ideal = (1 + -(-(CALLS - 1) // CONCURRENCY)) * latency
    raw = figures["raw client"]["wall"]
    lines = [["ideal, (1 + ⌈(calls − 1) / concurrency⌉) × latency", f"{ideal:.3f} s", f"{ideal / raw:.3f}", "", "", ""]]
    lines += [
        [
            name,
            f"{row['wall']:.3f} s",
            f"{row['wall'] / raw:.3f}",
            milliseconds(row["cpu"]),
            f"{row['memory'] / 1024:.1f} MiB",
            str(row["connections"]),
        ]
        for name, row in figures.items()
    ]
    return table(["", "wall", "to the raw client", "processor", "peak memory", "connections"], lines)


def growth(figures):
    lines = [
        [
            f"{calls:,}",
            milliseconds(row["wall"]),
            milliseconds(row["cpu"]),
            f"{row['wall_per_call'] * 1e6:.0f} µs",
            f"{row['cpu_per_call'] * 1e6:.0f} µs",
            f"{row['memory'] / 1024:.1f} MiB",
        ]
        for calls, row in figures.items()
    ]
    return table(["calls", "wall", "processor", "wall a call", "processor a call", "peak memory"], lines)


def wait(figures):
    lines = [[kind, str(number)] for kind, number in sorted(figures["requests"].items())]
    lines.append(["all", str(sum(figures["requests"].values()))])
    return (
        f"{WAIT_TAGS} tags in 4 targets, each landing {SYNC_SECONDS} s after its call: {figures['wall']:.2f} s in all, the last answer read "
        f"{figures['after_landing']:.2f} s after the last landing.\n\n" + table(["request", "times"], lines)
    )


def walls(head, figures):
    return table([head, *map(str, figures)], [["wall", *map(milliseconds, figures.values())]])


def start(figures):
    lines = [
        ["instructions to the first byte sent", f"{figures['start']['to_first_byte']:,}"],
        ["`--version`, from start to end", milliseconds(figures["start"]["version"])],
    ]
    if image := figures["image"]:
        lines.append(["a container with `--version`, from `docker run` to its end", f"{image['start']} ms"])
    return table(["", ""], lines)


def sizes(figures):
    lines = [["binary, static", f"{figures['sizes'][OURS]:,}"]]
    if image := figures["image"]:
        lines.append(["image", f"{image['size']:,}"])
        lines.append(["image, compressed as it is pulled", f"{image['pulled']:,}"])
    lines += [[f"{name}, without its interpreter", f"{figures['sizes'][name]:,}"] for name in ("Python SDK", "Node SDK")]
    return table(["", "bytes"], lines)


def standin(figures):
    return (
        f"The stand-in answers {figures['calls_a_second']:,.0f} calls a second on this machine, {CONCURRENCY} at a time; "
        f"{CONCURRENCY * 1000 // LATENCY_MS} are asked of it below. One call by the raw client takes {milliseconds(figures['one_call'])} from the "
        f"start of its process to the end, {milliseconds(figures['latency'])} more where the stand-in is told to take {LATENCY_MS} ms: the latency below."
    )


def machine(versions):
    cpu = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    load = os.getloadavg()[0]
    lines = [
        ["date", datetime.date.today().isoformat()],
        ["machine", f"{os.cpu_count()} × {cpu.group(1) if cpu else platform.machine()}, {platform.system()} {platform.release()}"],
        ["load average at the end", f"{load:.1f}"],
        *([name, version] for name, version in versions.items()),
    ]
    return table(["", ""], lines)


def table(head, lines):
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def milliseconds(seconds):
    return f"{seconds * 1000:.2f} ms" if seconds < 0.1 else f"{seconds * 1000:,.0f} ms"
