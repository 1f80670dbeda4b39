"""Shows whatever a reference names."""

from __future__ import annotations

from roar_proto.v1 import lineage_pb2 as pb
from sqlalchemy.orm import Session

from roard.db.labels import Owner, current
from roard.db.tables import ArtifactLabelRow, JobLabelRow, SessionLabelRow
from roard.project import Project
from roard.query.artifacts import PathContent, choose, contents_at, load_artifact, load_unhashed
from roard.query.disk import look
from roard.query.find import ArtifactTarget, JobTarget, PathTarget, SessionTarget, find
from roard.query.jobs import lists_code, load_job
from roard.query.sessions import jobs_of, load_session
from roard.query.summaries import add_jobs


def resolve(project: Project, request: pb.ResolveRequest) -> pb.ResolveResponse:
    """Returns the job, session or artifact that a reference names.

    Raises JobNotFound, SessionNotFound, ArtifactNotFound, BadReference, AmbiguousReference.
    """
    with project.store.read() as session:
        match find(session, project.root, request):
            case JobTarget(job_id):
                response = pb.ResolveResponse(job=load_job(session, job_id, code_among_inputs=lists_code(project)))
                owner = Owner(JobLabelRow, job_id)
            case SessionTarget(session_id):
                response = pb.ResolveResponse(session=pb.SessionView(session=load_session(session, session_id)))
                add_jobs(session, response.session, jobs_of(session_id))
                owner = Owner(SessionLabelRow, session_id)
            case ArtifactTarget(artifact_id):
                response = pb.ResolveResponse(artifact=load_artifact(session, artifact_id))
                owner = Owner(ArtifactLabelRow, artifact_id)
            case PathTarget(path):
                found = path_content(project, session, path)
                response = pb.ResolveResponse(artifact=_artifact_at(session, path, found))
                owner = Owner(ArtifactLabelRow, found.content.artifact or 0)
        labels = current(session, owner)
        response.labels = labels.document if labels and labels.document != "{}" else ""
    return response


def path_content(project: Project, session: Session, path: bytes) -> PathContent:
    """Returns the content that a recorded path stands for: that on disk when it is known, else the newest recorded."""
    contents = contents_at(session, path)
    disk = look(project, {path: {content.size for content in contents}})
    return choose(contents, disk[path])


def _artifact_at(session: Session, path: bytes, found: PathContent) -> pb.Artifact:
    if found.content.artifact is None:
        artifact = load_unhashed(session, path, found.content.size)
    else:
        artifact = load_artifact(session, found.content.artifact)
    artifact.path, artifact.state = path, found.state
    return artifact
