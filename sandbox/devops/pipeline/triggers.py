"""Which pushes start a pipeline."""

from yaml.nodes import Node, ScalarNode

from sandbox.devops.pipeline.definition import Filters, Trigger
from sandbox.devops.pipeline.document import Document

ALL_BRANCHES = Trigger(Filters(include=("*",)))


def read_trigger(document: Document) -> Trigger:
    """Without `trigger`, a push to any branch starts the pipeline."""
    section = next((value for key, _, value in document.entries(document.root) if key == "trigger"), None)
    if section is None:
        return ALL_BRANCHES
    if isinstance(section, ScalarNode):
        text = document.text(section)
        return Trigger(None if text == "none" else Filters(include=(text,)))
    if section.tag.endswith(":seq"):
        return Trigger(Filters(include=tuple(document.texts(section))))
    fields = document.mapping(section, {"branches", "paths"}, {"tags": "tags", "batch": "batches"})
    branches = _filters(document, fields["branches"]) if "branches" in fields else Filters(include=("*",))
    return Trigger(branches, _filters(document, fields["paths"]) if "paths" in fields else Filters())


def _filters(document: Document, node: Node) -> Filters:
    if node.tag.endswith(":seq"):
        return Filters(include=tuple(document.texts(node)))
    fields = document.mapping(node, {"include", "exclude"})
    return Filters(
        *(tuple(document.texts(fields[key])) if key in fields else () for key in ("include", "exclude"))
    )
