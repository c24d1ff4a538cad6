"""What the identity may do with a pipeline."""

from infra.devops.connection import Connection
from infra.devops.pipelines import Pipeline
from infra.http.fields import sequence, text

BUILDS = "33344d9c-fc72-4d6f-aba5-fa317101a7e9"
QUEUE, STOP = 128, 512
"""Bits of the security namespace of builds."""
API = "7.1-preview.2"


def may(connection: Connection, bits: int, pipeline: Pipeline) -> bool:
    """Whether it may do all of these."""
    project = text(connection.get(connection.organization("projects", connection.place.project)), "id")
    folders = [folder for folder in pipeline.folder.split("\\") if folder]
    token = "/".join([project, *folders, str(pipeline.id)])
    url = connection.organization("permissions", BUILDS, bits)
    told = sequence(connection.get(url, {"tokens": token}, api=API), "value")
    return bool(told) and all(answer is True for answer in told)
