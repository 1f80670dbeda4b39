"""What machine a job runs on: system, processor, memory, container, GPUs."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from functools import cache
from xml.etree import ElementTree as ET

from roar_proto.v1 import types_pb2

PATIENCE_S = 10.0
"""How long the tools of a GPU's maker may take: a driver that is not loaded yet takes seconds."""
_NVIDIA = ("nvidia-smi", "-q", "-x")
_ROCM = ("rocm-smi", "--showproductname", "--showmeminfo", "vram", "--showdriverversion", "--json")
_MIB = 1 << 20
_CONTAINER_FILES = {"/.dockerenv": "docker", "/run/.containerenv": "podman", "/.singularity.d": "apptainer"}
_CONTAINER_GROUPS = re.compile(r"/(docker|kubepods|libpod|lxc)\b")
_CONTAINER_NAMES = {"kubepods": "kubernetes", "libpod": "podman"}


@cache
def machine() -> types_pb2.Machine:
    """Returns the machine that this process runs on; looked at once in its life, as it starts programs for GPUs."""
    uname = os.uname()
    return types_pb2.Machine(
        system=f"{uname.sysname} {uname.release} {uname.machine}",
        distribution=_distribution(),
        processor=read_processor(_text("/proc/cpuinfo")),
        cores=os.cpu_count() or 0,
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        container=_container(),
        gpus=[*read_nvidia(_output(_NVIDIA)), *read_rocm(_output(_ROCM))],
    )


def read_processor(cpuinfo: str) -> str:
    """Returns the name of the processor, from /proc/cpuinfo; empty where that has none, as on most ARM machines."""
    match = re.search(r"^(?:model name|Processor|cpu)\s*:\s*(.+)$", cpuinfo, re.MULTILINE)
    return match[1].strip() if match else ""


def read_nvidia(xml: str) -> Iterator[types_pb2.Gpu]:
    """Yields the GPUs that `nvidia-smi -q -x` lists, in its order; none when that is no such text."""
    try:
        log = ET.fromstring(xml)  # noqa: S314  # of a program of root's
    except ET.ParseError:
        return
    if log.tag != "nvidia_smi_log":
        return
    driver, cuda = log.findtext("driver_version", ""), log.findtext("cuda_version", "")
    for gpu in log.iter("gpu"):
        memory = re.match(r"(\d+) MiB", gpu.findtext("fb_memory_usage/total", ""))
        yield types_pb2.Gpu(
            name=gpu.findtext("product_name", "").strip(),
            memory_bytes=int(memory[1]) * _MIB if memory else 0,
            driver=driver,
            toolkit=f"CUDA {cuda}" if re.match(r"\d", cuda) else "",
        )


def read_rocm(text: str) -> Iterator[types_pb2.Gpu]:
    """Yields the GPUs that `rocm-smi --json` lists, in the order of their numbers; none when that is no such text."""
    try:
        cards = json.loads(text)
    except ValueError:
        return
    if not isinstance(cards, dict):
        return
    driver = str(cards.get("system", {}).get("Driver version", ""))
    numbered = [(int(name[4:]), card) for name, card in cards.items() if re.fullmatch(r"card\d+", name)]
    for _, card in sorted(numbered, key=lambda item: item[0]):
        memory = str(card.get("VRAM Total Memory (B)", ""))
        name = str(card.get("Card Series") or card.get("Card series") or card.get("Card Model") or "AMD GPU")
        yield types_pb2.Gpu(name=name, memory_bytes=int(memory) if memory.isdigit() else 0, driver=driver)


def _distribution() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        return ""


def _container() -> str:
    """Returns what kind of container this is, as far as its files tell; empty: none that they know."""
    for path, name in _CONTAINER_FILES.items():
        if os.path.exists(path):
            return name
    match = _CONTAINER_GROUPS.search(_text("/proc/1/cgroup"))
    return _CONTAINER_NAMES.get(match[1], match[1]) if match else ""


def _output(command: Sequence[str]) -> str:
    """Returns what a program prints; empty when it is not there or does not end well."""
    if not shutil.which(command[0]):
        return ""
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=PATIENCE_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
