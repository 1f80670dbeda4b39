"""How two commands differ, parameter by parameter: pure."""

from __future__ import annotations

from collections.abc import Sequence

from roar_proto.v1 import diff_pb2 as pb

from roard.command_line import parameters


def parameter_changes(a: Sequence[bytes], b: Sequence[bytes]) -> list[pb.ValueChange]:
    """Returns what differs between two commands, in the order of the first and then of the second.

    `-e3` and `-e 3`, `--lr 0.1` and `--lr=0.1` are the same. Which words are values of the option before them only
    the program knows: a word that follows an option is taken for one, so a switch before an argument is shown with
    that argument.
    """
    before, after = parameters(a), parameters(b)
    return value_changes(before, after)


def value_changes(a: dict[str, bytes], b: dict[str, bytes]) -> list[pb.ValueChange]:
    """Returns the values that differ, those of the first in its order, then those that only the second has."""
    names = [*a, *(name for name in b if name not in a)]
    return [pb.ValueChange(name=name, a=a.get(name), b=b.get(name)) for name in names if a.get(name) != b.get(name)]
