"""What a machine is, from what its system and its tools say."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from roar_proto.v1 import types_pb2
from sqlalchemy import Engine, event, select

from roard.context import machine as module
from roard.context.machine import machine, read_nvidia, read_processor, read_rocm
from roard.db.machines import machine_id
from roard.db.tables import MachineRow
from roard.project import Project

NVIDIA = """<?xml version="1.0" ?>
<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v12.dtd">
<nvidia_smi_log>
	<timestamp>Tue Nov 24 10:11:12 2026</timestamp>
	<driver_version>550.54.15</driver_version>
	<cuda_version>12.4</cuda_version>
	<attached_gpus>2</attached_gpus>
	<gpu id="00000000:07:00.0">
		<product_name>NVIDIA A100-SXM4-80GB</product_name>
		<fb_memory_usage>
			<total>81920 MiB</total>
			<used>3 MiB</used>
		</fb_memory_usage>
	</gpu>
	<gpu id="00000000:0F:00.0">
		<product_name>NVIDIA GH200 480GB</product_name>
		<fb_memory_usage>
			<total>N/A</total>
		</fb_memory_usage>
	</gpu>
</nvidia_smi_log>
"""
ROCM = """{
 "card10": {"Card Series": "AMD Instinct MI300X", "VRAM Total Memory (B)": "206141652992"},
 "card2": {"Card series": "Instinct MI210", "VRAM Total Memory (B)": "N/A"},
 "system": {"Driver version": "6.7.0"}
}"""


def test_the_gpus_of_nvidia() -> None:
    first, second = read_nvidia(NVIDIA)
    assert (first.name, first.memory_bytes, first.driver) == ("NVIDIA A100-SXM4-80GB", 80 << 30, "550.54.15")
    assert (second.name, second.memory_bytes, second.toolkit) == ("NVIDIA GH200 480GB", 0, "CUDA 12.4")


def test_the_gpus_of_amd_in_the_order_of_their_numbers() -> None:
    first, second = read_rocm(ROCM)
    assert (first.name, first.memory_bytes, first.driver) == ("Instinct MI210", 0, "6.7.0")
    assert (second.name, second.memory_bytes) == ("AMD Instinct MI300X", 206141652992)


@pytest.mark.parametrize("text", ["", "NVIDIA-SMI has failed", "[]", "{", "<gpu/>", '{"card1": {}, "cardx": {}}'])
def test_a_tool_that_says_something_else_is_no_error(text: str) -> None:
    assert list(read_nvidia(text)) == []
    assert [gpu.name for gpu in read_rocm(text)] in ([], ["AMD GPU"])


@pytest.mark.parametrize(
    ("cpuinfo", "name"),
    [
        ("processor\t: 0\nmodel name\t: AMD EPYC 7B13\nmodel name\t: AMD EPYC 7B13\n", "AMD EPYC 7B13"),
        ("cpu\t\t: POWER9, altivec supported\n", "POWER9, altivec supported"),
        ("processor\t: 0\nCPU implementer\t: 0x41\n", ""),
        ("", ""),
    ],
)
def test_the_name_of_the_processor(cpuinfo: str, name: str) -> None:
    assert read_processor(cpuinfo) == name


def test_this_machine_and_the_tool_that_is_in_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\ncat <<'END'\n{NVIDIA}END\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    found = machine.__wrapped__()
    assert found.system.startswith(f"Linux {os.uname().release}")
    assert found.cores == os.cpu_count()
    assert found.memory_bytes > 1 << 28
    assert [gpu.name for gpu in found.gpus] == ["NVIDIA A100-SXM4-80GB", "NVIDIA GH200 480GB"]


@pytest.mark.parametrize("script", ["exit 9", "sleep 60"])
def test_a_tool_that_fails_or_hangs_lists_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\nexec {script}\n" if script.startswith("sleep") else f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(module, "PATIENCE_S", 0.3)
    assert list(machine.__wrapped__().gpus) == []


def test_a_machine_is_stored_once(opened: Project) -> None:
    one, other = types_pb2.Machine(system="Linux 6.1"), types_pb2.Machine(system="Linux 6.2")
    seen: list[str] = []
    listener = lambda _conn, _cursor, statement, *_: seen.append(statement)  # noqa: E731
    with opened.store.write() as session:
        event.listen(Engine, "before_cursor_execute", listener)
        ids = [machine_id(session, found) for found in (one, other, one, None)]
        event.remove(Engine, "before_cursor_execute", listener)
        stored = session.scalars(select(MachineRow.document)).all()
    assert ids == [1, 2, 1, None]
    assert list(stored) == ['{"system": "Linux 6.1"}', '{"system": "Linux 6.2"}']
    assert len([statement for statement in seen if "machines" in statement]) == 6
