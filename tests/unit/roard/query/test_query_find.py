"""References looked up: kinds, prefixes, ambiguity with the candidates."""

from __future__ import annotations

import pytest
from query_lab import Lab, digest
from roar_proto.v1 import lineage_pb2 as pb
from roar_proto.v1 import sessions_pb2
from sqlalchemy import update

from roard.db.tables import ArtifactRow, JobRow, SessionRow
from roard.errors import AmbiguousReference, ArtifactNotFound, BadReference, JobNotFound, SessionNotFound, StepNotFound
from roard.query.jobs import get_job
from roard.query.resolve import resolve


def rename_job(lab: Lab, old: str, new: str) -> None:
    with lab.project.store.write() as session:
        session.execute(update(JobRow).where(JobRow.uid == old).values(uid=new))


def target(lab: Lab, ref: str, kind: pb.RefKind.ValueType = pb.REF_KIND_UNSPECIFIED, cwd: str = "") -> str:
    """Returns kind and identity of what a reference names."""
    answer = resolve(lab.project, lab.resolve_request(ref, kind, cwd))
    match answer.WhichOneof("target"):
        case "job":
            return f"job {answer.job.uid}"
        case "session":
            return f"session {answer.session.session.number}"
    return f"artifact {answer.artifact.hash.hex()[:8]}"


def test_steps_and_the_newest_job(lab: Lab) -> None:
    build = lab.job("@B1")
    old = lab.job("@1")
    new = lab.job("@1")
    assert target(lab, "@1") == f"job {new}"
    assert target(lab, "@b1") == target(lab, "@B1") == f"job {build}"
    assert [target(lab, "@-1"), target(lab, "@-2"), target(lab, "@-3")] == [f"job {u}" for u in (new, old, build)]
    assert get_job(lab.project, "").uid == new


@pytest.mark.parametrize(("ref", "error"), [("@7", StepNotFound), ("@B1", StepNotFound), ("@-9", JobNotFound)])
def test_a_step_that_is_not_there(lab: Lab, ref: str, error: type[Exception]) -> None:
    lab.job("@1")
    with pytest.raises(error):
        target(lab, ref)


def test_steps_are_those_of_the_active_session(lab: Lab) -> None:
    lab.job("@1")
    lab.reset()
    with pytest.raises(StepNotFound):
        target(lab, "@1")


def test_a_job_by_its_id_or_the_beginning_of_it(lab: Lab) -> None:
    rename_job(lab, lab.job("@1"), "8f2a01bc")
    rename_job(lab, lab.job("@2"), "8f2b0000")
    assert target(lab, "8f2a01bc") == target(lab, "8f2a") == target(lab, "8F2A0") == "job 8f2a01bc"
    assert get_job(lab.project, "8f2b").uid == "8f2b0000"


def test_an_ambiguous_beginning_lists_the_candidates(lab: Lab) -> None:
    rename_job(lab, lab.job("@1"), "8f2a01bc")
    rename_job(lab, lab.job("@2"), "8f2a0000")
    with pytest.raises(AmbiguousReference) as caught:
        target(lab, "8f2a")
    assert caught.value.cause == "it fits job 8f2a0000, job 8f2a01bc"
    assert "--job" in caught.value.hint


def test_an_exact_id_wins_over_longer_ones(lab: Lab) -> None:
    rename_job(lab, lab.job("@1"), "8f2a01bc")
    rename_job(lab, lab.job("@2"), "8f2a01bc77")
    assert target(lab, "8f2a01bc") == "job 8f2a01bc"


def test_an_artifact_by_its_hash(lab: Lab) -> None:
    lab.job("@1", {}, {"out/a": "content"})
    known = digest(b"content").hex()
    assert target(lab, known) == target(lab, known[:9]) == target(lab, known[:8].upper()) == f"artifact {known[:8]}"
    with pytest.raises(ArtifactNotFound):
        target(lab, known[:7])


def test_eight_digits_are_a_job_before_a_session_before_an_artifact(lab: Lab) -> None:
    uid = lab.job("@1", {}, {"a": "1"})
    with lab.project.store.write() as session:
        session.execute(update(JobRow).values(uid="abcdef12"))
        session.execute(update(SessionRow).values(hash=bytes.fromhex("abcdef12" + "0" * 56)))
        session.execute(update(ArtifactRow).values(hash=bytes.fromhex("abcdef12" + "1" * 56)))
    assert uid
    assert target(lab, "abcdef12") == "job abcdef12"
    with lab.project.store.write() as session:
        session.execute(update(JobRow).values(uid="00000000"))
    assert target(lab, "abcdef12") == "session 1"
    with lab.project.store.write() as session:
        session.execute(update(SessionRow).values(hash=bytes(32)))
    assert target(lab, "abcdef12") == "artifact abcdef12"


def test_any_other_length_that_fits_two_kinds_is_ambiguous_and_options_decide(lab: Lab) -> None:
    lab.job("@1", {}, {"a": "1"})
    with lab.project.store.write() as session:
        session.execute(update(JobRow).values(uid="abcdef12"))
        session.execute(update(SessionRow).values(hash=bytes.fromhex("abcdef12" + "0" * 56)))
    with pytest.raises(AmbiguousReference) as caught:
        target(lab, "abcdef")
    assert caught.value.cause == "it fits job abcdef12, session abcdef120000"
    assert target(lab, "abcdef", pb.REF_KIND_JOB) == "job abcdef12"
    assert target(lab, "abcdef", pb.REF_KIND_SESSION) == "session 1"


def test_a_file_with_a_name_of_hex_digits_is_found_when_nothing_else_is(lab: Lab) -> None:
    lab.job("@1", {"deadbeef": "x"})
    assert target(lab, "deadbeef") == target(lab, "./deadbeef") == f"artifact {digest(b'x').hex()[:8]}"


def test_a_path_is_relative_to_the_callers_directory(lab: Lab) -> None:
    lab.job("@1", {"sub/a": "x", "b": "y"})
    assert target(lab, "a", cwd="sub") == f"artifact {digest(b'x').hex()[:8]}"
    assert target(lab, "../b", cwd="sub") == f"artifact {digest(b'y').hex()[:8]}"
    assert target(lab, str(lab.root / "b")) == f"artifact {digest(b'y').hex()[:8]}"
    with pytest.raises(ArtifactNotFound):
        target(lab, "b", cwd="sub")


def test_a_link_stands_for_the_file_that_it_leads_to(lab: Lab) -> None:
    lab.job("@1", {"real": "x"})
    (lab.root / "link").symlink_to("real")
    assert target(lab, "link") == f"artifact {digest(b'x').hex()[:8]}"


def test_a_path_stands_for_the_content_on_disk_when_it_is_a_recorded_one(lab: Lab) -> None:
    lab.job("@1", {}, {"a": "old"})
    lab.job("@1", {}, {"a": "new"})
    answer = resolve(lab.project, lab.resolve_request("a")).artifact
    assert (answer.hash, answer.path, answer.state) == (digest(b"new"), b"a", sessions_pb2.FILE_STATE_PRESENT)
    lab.put("a", "old")
    answer = resolve(lab.project, lab.resolve_request("a")).artifact
    assert (answer.hash, answer.state) == (digest(b"old"), sessions_pb2.FILE_STATE_PRESENT)
    lab.put("a", "unknown to everybody")
    answer = resolve(lab.project, lab.resolve_request("a")).artifact
    assert (answer.hash, answer.state) == (digest(b"new"), sessions_pb2.FILE_STATE_CHANGED)
    (lab.root / "a").unlink()
    answer = resolve(lab.project, lab.resolve_request("a")).artifact
    assert (answer.hash, answer.state) == (digest(b"new"), sessions_pb2.FILE_STATE_MISSING)


def test_an_artifact_shows_every_place_where_it_was_seen(lab: Lab) -> None:
    first = lab.job("@1", {}, {"a": "same"})
    second = lab.job("@2", {"a": "same"}, {"copy": "same"})
    uses = resolve(lab.project, lab.resolve_request("a")).artifact.uses
    assert [(use.job_uid, use.path, use.written) for use in uses] == [
        (second, b"copy", True),
        (second, b"a", False),
        (first, b"a", True),
    ]


def test_a_file_recorded_without_a_hash_is_shown_all_the_same(lab: Lab) -> None:
    uid = lab.job("@1", {"socket.log": None})
    answer = resolve(lab.project, lab.resolve_request("socket.log", pb.REF_KIND_PATH)).artifact
    assert (answer.hash, answer.size, [use.job_uid for use in answer.uses]) == (b"", 7, [uid])


def test_sessions_by_hash_old_ones_too(lab: Lab) -> None:
    lab.job("@1", {}, {"a": "1"})
    lab.reset()
    lab.job("@1", {}, {"a": "2"})
    old, active = lab.session_hashes()
    assert target(lab, old) == target(lab, old[:10], pb.REF_KIND_SESSION) == "session 1"
    assert target(lab, "", pb.REF_KIND_SESSION) == "session 2"
    view = resolve(lab.project, lab.resolve_request(active, pb.REF_KIND_SESSION)).session
    assert (view.session.active, len(view.jobs), view.session.jobs) == (True, 1, 1)
    with pytest.raises(SessionNotFound):
        target(lab, "0" * 20, pb.REF_KIND_SESSION)


def test_a_location_is_looked_up_as_it_stands(lab: Lab) -> None:
    with pytest.raises(ArtifactNotFound):
        target(lab, "s3://bucket/key")


@pytest.mark.parametrize(
    ("ref", "kind", "error"),
    [
        ("nothing.txt", pb.REF_KIND_UNSPECIFIED, ArtifactNotFound),
        ("feedface", pb.REF_KIND_UNSPECIFIED, ArtifactNotFound),
        ("@x", pb.REF_KIND_UNSPECIFIED, BadReference),
        ("feedface", pb.REF_KIND_JOB, JobNotFound),
        ("a/b", pb.REF_KIND_JOB, BadReference),
        ("feed", pb.REF_KIND_ARTIFACT, BadReference),
        ("feedface", pb.REF_KIND_ARTIFACT, ArtifactNotFound),
        ("a/b", pb.REF_KIND_SESSION, SessionNotFound),
    ],
)
def test_what_is_not_there_is_said(lab: Lab, ref: str, kind: pb.RefKind.ValueType, error: type[Exception]) -> None:
    lab.job("@1")
    with pytest.raises(error):
        target(lab, ref, kind)


def hint(lab: Lab, ref: str, cwd: str = "") -> str:
    with pytest.raises(ArtifactNotFound) as missing:
        target(lab, ref, cwd=cwd)
    return f"{missing.value.cause} {missing.value.hint}"


def test_a_path_that_is_nearly_a_recorded_one_is_corrected(lab: Lab) -> None:
    lab.job("@1", {"raw.csv": "1"}, {"out/clean.csv": "2", "out/deep/clean.csv": "3"})
    assert "did you mean `raw.csv`?" in hint(lab, "rwa.csv")
    assert "did you mean `out/clean.csv`?" in hint(lab, "out/klean.csv")
    assert "did you mean `clean.csv`?" in hint(lab, "klean.csv", cwd="out")
    assert "did you mean `../raw.csv`?" in hint(lab, "raw.csv", cwd="out")
    assert "did you mean `../clean.csv`?" in hint(lab, "../klean.csv", cwd="out/deep")
    for ref in ("/raw.csv", "other.txt", "nowhere/raw.csv", "../raw.csv"):
        assert "did you mean" not in hint(lab, ref), ref


def test_a_file_that_no_job_used_is_told_from_one_that_is_not_there(lab: Lab) -> None:
    lab.put("unseen.csv", "1")
    assert "it is there" in hint(lab, "unseen.csv")
    assert "it is a directory" in hint(lab, ".")
    assert "`roar search`" in hint(lab, "nowhere.csv")
    assert "8 or more" in hint(lab, "feed")
