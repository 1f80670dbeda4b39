"""Which of two versions makes room: the same table as in the launcher's skew.rs."""

from __future__ import annotations

import pytest
from roar_proto.v1 import daemon_pb2 as pb

from roar_client.daemon_mode import DaemonMode, daemon_mode
from roar_client.errors import ClientError
from roar_client.skew import Age, judge, misfit

OLDEST, NEWEST = int(pb.PROTOCOL_OLDEST), int(pb.PROTOCOL_CURRENT)


def age(oldest: int, newest: int, theirs: str, ours: str) -> Age:
    return judge(pb.HelloResponse(protocol_min=oldest, protocol_max=newest, version=theirs), ours)


@pytest.mark.parametrize(
    ("oldest", "newest", "theirs", "ours", "expected"),
    [
        (1, NEWEST, "0.2.0", "0.2.0", Age.FITS),
        (1, NEWEST, "0.1.9", "0.2.0", Age.OLDER),
        (1, NEWEST, "0.2.0", "0.1.9", Age.FITS),
        (1, NEWEST + 1, "0.1.0", "0.2.0", Age.FITS),
        (0, OLDEST - 1, "0.2.0", "0.2.0", Age.TOO_OLD),
        (NEWEST + 1, NEWEST + 1, "0.2.0", "0.2.0", Age.TOO_NEW),
    ],
)
def test_the_protocol_decides_first_then_the_version(
    oldest: int, newest: int, theirs: str, ours: str, expected: Age
) -> None:
    assert age(oldest, newest, theirs, ours) is expected


@pytest.mark.parametrize(
    ("older", "newer"), [("0.9.0", "0.10.0"), ("0.1", "0.1.1"), ("", "0.1"), ("1.0.0", "1.0.1.dev1")]
)
def test_versions_are_compared_by_their_numbers(older: str, newer: str) -> None:
    assert (age(1, NEWEST, older, newer), age(1, NEWEST, newer, older)) == (Age.OLDER, Age.FITS)


@pytest.mark.parametrize(("one", "other"), [("0.1", "0.1.0"), ("0.2.0.dev1", "0.2.0"), ("0.2.1rc1", "0.2.1+local")])
def test_versions_of_the_same_numbers_leave_each_other_alone(one: str, other: str) -> None:
    assert (age(1, NEWEST, one, other), age(1, NEWEST, other, one)) == (Age.FITS, Age.FITS)


def test_only_who_is_not_understood_is_refused() -> None:
    assert misfit(pb.HelloResponse(protocol_min=1, protocol_max=NEWEST, version="0.0.1"), "0.2.0", "s") is None
    problem = misfit(pb.HelloResponse(protocol_min=NEWEST + 1, protocol_max=NEWEST + 1), "0.2.0", "s")
    assert problem is not None
    assert problem.reason == "daemon-too-new"


@pytest.mark.parametrize(("value", "mode"), [("", "auto"), ("auto", "auto"), ("require", "require"), ("off", "off")])
def test_the_variable_says_whose_daemon_answers(value: str, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROAR_DAEMON", value)
    assert daemon_mode() is DaemonMode(mode)


def test_any_other_value_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROAR_DAEMON", "Off")
    with pytest.raises(ClientError) as caught:
        daemon_mode()
    assert (caught.value.reason, caught.value.exit_code) == ("usage", 2)
