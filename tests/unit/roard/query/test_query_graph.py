"""Edges and staleness against a model: random pipelines, run and edited in random order."""

from __future__ import annotations

from dataclasses import dataclass, field

from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from roard.query.graph import DiskFile, Read, Step, Write, parents, stale_reasons, versions


@dataclass
class Pipeline:
    """Steps that read and write files of a disk; the content that a step writes is a function of what it read."""

    reads: list[list[str]]
    writes: list[list[str]]
    disk: dict[str, bytes] = field(default_factory=dict)
    steps: dict[int, Step] = field(default_factory=dict)
    history: list[Write] = field(default_factory=list)
    jobs: int = 0

    def __post_init__(self) -> None:
        for names in self.reads:
            for name in names:
                self.disk.setdefault(name, content(name, b"root"))

    def run(self, step: int) -> None:
        self.jobs += 1
        seen = {name: self.disk[name] for name in self.reads[step]}
        for name in self.writes[step]:
            made = content(name, str(step).encode(), *(seen[key] for key in sorted(seen)))
            over = seen.get(name)
            self.history.append(Write(name.encode(), made, self.jobs, step, over))
            self.disk[name] = made
        read = tuple(Read(name.encode(), digest, 1, code=False) for name, digest in seen.items())
        self.steps[step] = Step(step, f"@{step + 1}", self.jobs, read)

    @property
    def by_path(self) -> dict[bytes, list[Write]]:
        found: dict[bytes, list[Write]] = {}
        for write in self.history:
            found.setdefault(write.path, []).append(write)
        return found

    def parents(self) -> dict[int, set[int]]:
        return parents(list(self.steps.values()), self.by_path)

    def stale(self) -> set[int]:
        disk = {name.encode(): DiskFile(exists=True, digest=digest) for name, digest in self.disk.items()}
        reasons = stale_reasons(list(self.steps.values()), self.parents(), self.by_path, disk)
        return {step for step, why in reasons.items() if why}


def content(*parts: str | bytes) -> bytes:
    return blake3(repr(parts).encode()).digest()


@st.composite
def layered(draw: st.DrawFn) -> Pipeline:
    """A pipeline in which step N makes file N, from files of lower steps and from outside."""
    size = draw(st.integers(1, 6))
    reads = [
        draw(st.lists(st.sampled_from(["root0", "root1", *(f"f{n}" for n in range(step))]), unique=True, max_size=3))
        for step in range(size)
    ]
    return Pipeline(reads, [[f"f{step}"] for step in range(size)])


ACTIONS = st.lists(st.tuples(st.sampled_from(["run", "edit"]), st.integers(0, 7)), max_size=12)


def act(pipeline: Pipeline, actions: list[tuple[str, int]]) -> None:
    names = sorted(pipeline.disk)
    for turn, (what, number) in enumerate(actions):
        if what == "run":
            pipeline.run(number % len(pipeline.reads))
        elif names:
            pipeline.disk[names[number % len(names)]] = content("edit", str(turn))


@given(layered(), ACTIONS)
def test_a_step_is_stale_when_it_or_one_above_it_read_something_else_than_is_there(
    pipeline: Pipeline, actions: list[tuple[str, int]]
) -> None:
    for step in range(len(pipeline.reads)):
        pipeline.run(step)
    act(pipeline, actions)
    expected: set[int] = set()
    for step in range(len(pipeline.reads)):
        own = any(pipeline.disk[read.path.decode()] != read.digest for read in pipeline.steps[step].reads)
        above = {int(name[1:]) for name in pipeline.reads[step] if name.startswith("f")}
        if own or above & expected:
            expected.add(step)
    # A step whose result was edited back by hand to what its readers had read is a case of its own: the job counts.
    assert expected <= pipeline.stale()
    if not any(what == "edit" for what, _ in actions):
        assert pipeline.stale() == expected


@given(layered(), ACTIONS)
def test_running_what_is_stale_from_the_top_clears_everything(
    pipeline: Pipeline, actions: list[tuple[str, int]]
) -> None:
    for step in range(len(pipeline.reads)):
        pipeline.run(step)
    act(pipeline, actions)
    for step in range(len(pipeline.reads)):
        if step in pipeline.stale():
            pipeline.run(step)
    assert pipeline.stale() == set()


@st.composite
def tangled(draw: st.DrawFn) -> Pipeline:
    """Steps that read and write whatever they like: in place, in circles, the same file by several."""
    size = draw(st.integers(1, 5))
    names = st.lists(st.sampled_from(["a", "b", "c", "d"]), unique=True, max_size=3)
    return Pipeline([draw(names) for _ in range(size)], [draw(names) for _ in range(size)])


@given(tangled(), ACTIONS)
def test_there_is_never_a_circle_and_nobody_is_its_own_parent(
    pipeline: Pipeline, actions: list[tuple[str, int]]
) -> None:
    act(pipeline, actions)
    above = pipeline.parents()
    assert all(step not in found for step, found in above.items())
    # stale_reasons sorts topologically: a circle would raise.
    assert pipeline.stale() <= set(pipeline.steps)


@given(tangled(), ACTIONS)
def test_a_parent_is_a_step_that_wrote_what_was_read(pipeline: Pipeline, actions: list[tuple[str, int]]) -> None:
    act(pipeline, actions)
    for step, found in pipeline.parents().items():
        for parent in found:
            shared = set(pipeline.reads[step]) & set(pipeline.writes[parent])
            assert shared, f"@{step + 1} is said to read from @{parent + 1}"


def test_versions_are_what_updates_in_place_made_of_a_content() -> None:
    one, two, three, other = (bytes([n]) * 32 for n in range(4))
    writes = [Write(b"p", two, 1, 1, one), Write(b"p", three, 2, 1, two), Write(b"p", other, 3, 1, None)]
    assert versions(one, writes) == {one, two, three}
    assert versions(three, writes) == {three}
    assert versions(other, [Write(b"p", one, 1, 1, other), Write(b"p", other, 2, 1, one)]) == {one, other}
