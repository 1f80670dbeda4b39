"""The machines that jobs ran on: each is stored once."""

from __future__ import annotations

import json

from google.protobuf.json_format import MessageToDict, ParseDict
from roar_proto.v1 import types_pb2
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from roard.db.tables import JobRow, MachineRow

_PUT = "INSERT OR IGNORE INTO machines (document) VALUES (?)"


def machine_id(session: Session, machine: types_pb2.Machine | None) -> int | None:
    """Returns the row of a machine, inserted when it is not there; two statements. Index: machines.document."""
    if machine is None:
        return None
    document = json.dumps(MessageToDict(machine, preserving_proto_field_name=True), sort_keys=True, ensure_ascii=False)
    session.connection().exec_driver_sql(_PUT, (document,))
    return session.scalar(select(MachineRow.id).where(MachineRow.document == document))


def machines_of(session: Session, jobs: Select[int]) -> dict[int, types_pb2.Machine]:
    """Returns the machines of the jobs that a statement selects, by job id; one statement."""
    joined = select(JobRow.id, MachineRow.document).join(MachineRow, JobRow.machine_id == MachineRow.id)
    rows = session.execute(joined.where(JobRow.id.in_(jobs))).all()
    known = {document: ParseDict(json.loads(document), types_pb2.Machine()) for document in {row[1] for row in rows}}
    return {job_id: known[document] for job_id, document in rows}
