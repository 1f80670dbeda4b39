"""A run that may be spared: what it takes from opening the project to the answer."""

from __future__ import annotations

import logging
import threading

from roar_proto.v1 import jobs_pb2

from roard.context.git import GitUnreadable
from roard.projects import Projects
from roard.supervision.git_state import read_state
from roard.trace.rundir import run_dir, runs_dir_of

log = logging.getLogger(__name__)


def spare(
    projects: Projects, request: jobs_pb2.RestoreCachedRequest, gone: threading.Event
) -> jobs_pb2.RestoreCachedResponse:
    """Restores the outputs of an earlier job, or says why the command must be run; see cached.py.

    gone: set when nobody waits any more. Raises what Projects.open and restore_cached raise.
    """
    from roard.cached import Question, restore_cached

    root = request.record.project_root
    # Checks the id.
    run_dir(runs_dir_of(root), request.record.run_id)
    # The command is not to wait for another daemon.
    projects.open(root, patience_s=0)
    with projects.use(root) as project:
        try:
            git = read_state(root)
        except GitUnreadable as error:
            log.warning("a run that may be spared has no state of git: %s", error)
            git = None
        question = Question(request.record, request.environment, request.open_files, git, gone.is_set)
        return restore_cached(project, question)
