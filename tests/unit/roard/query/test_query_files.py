"""Files as names: sums over jobs, and the newest use."""

from __future__ import annotations

import pytest
from query_lab import Lab, digest
from roar_proto.v1 import files_pb2 as pb

from roard.query.files import list_files

SIZE, READS, WRITES, RECENT = pb.FILE_ORDER_SIZE, pb.FILE_ORDER_READS, pb.FILE_ORDER_WRITES, pb.FILE_ORDER_RECENT


def files(lab: Lab, **request: object) -> pb.ListFilesResponse:
    return list_files(lab.project, pb.ListFilesRequest(**request))  # type: ignore[arg-type]


@pytest.fixture
def used(lab: Lab) -> Lab:
    """`raw` is read by two jobs, `mid` written twice, the second time larger, `end` is made last."""
    lab.job("@1", {"raw": "r"}, {"mid": "m"}, code={"prep.py": "a long script"})
    lab.job("@1", {"raw": "r"}, {"mid": "longer"})
    lab.job("@2", {"mid": "longer"}, {"end": "end"})
    return lab


@pytest.mark.parametrize(
    ("order", "names"),
    [
        (SIZE, ["mid", "end", "raw"]),
        (READS, ["raw", "mid", "end"]),
        (WRITES, ["mid", "end", "raw"]),
        (RECENT, ["end", "mid", "raw"]),
    ],
)
def test_the_order_asked_for(used: Lab, order: pb.FileOrder.ValueType, names: list[str]) -> None:
    assert [file.path.decode() for file in files(used, order=order).files] == names


def test_a_file_has_its_sums_and_its_newest_use(used: Lab) -> None:
    (mid,) = files(used, holding=b"mid").files
    assert (mid.reads, mid.writes, mid.size, mid.hash) == (1, 2, 6, digest(b"longer"))
    assert mid.step == "@2"


def test_of_one_job_what_it_wrote_counts_as_the_newest(lab: Lab) -> None:
    lab.job("@1", {"log": "1"}, {"log": "1\n2"})
    (log,) = files(lab).files
    assert (log.reads, log.writes, log.hash) == (1, 1, digest(b"1\n2"))


def test_the_limit_leaves_the_totals(used: Lab) -> None:
    found = files(used, limit=1)
    assert (len(found.files), found.total, found.total_bytes) == (1, 3, 10)


def test_other_sessions_on_request(used: Lab) -> None:
    used.reset()
    assert files(used).total == 0
    assert files(used, all_sessions=True).total == 3


def test_a_file_without_a_hash_is_listed_too(lab: Lab) -> None:
    lab.job("@1", {"gone": None})
    (gone,) = files(lab).files
    assert (gone.hash, gone.size) == (b"", 7)
