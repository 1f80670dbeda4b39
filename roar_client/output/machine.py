"""The machine that a job ran on, for people."""

from __future__ import annotations

from collections import Counter

from roar_proto.v1 import types_pb2

from roar_client.output.human import plural, size
from roar_client.output.text import visible


def machine_facts(machine: types_pb2.Machine) -> list[tuple[str, str]]:
    """Returns what is known of a machine, a row for it and one for each kind of GPU."""
    container = f"in {machine.container}" if machine.container else ""
    system = ", ".join(filter(None, (machine.system, machine.distribution, container)))
    hardware = (machine.processor, plural(machine.cores, "core"), size(machine.memory_bytes))
    rows = [("system", visible(system)), ("machine", visible(", ".join(filter(None, hardware))))]
    kinds = Counter(_gpu(gpu) for gpu in machine.gpus)
    return [*rows, *(("gpu", visible(f"{number} x {kind}" if number > 1 else kind)) for kind, number in kinds.items())]


def _gpu(gpu: types_pb2.Gpu) -> str:
    memory = size(gpu.memory_bytes) if gpu.memory_bytes else ""
    driver = f"driver {gpu.driver}" if gpu.driver else ""
    return ", ".join(filter(None, (gpu.name, memory, driver, gpu.toolkit)))
