"""The edge pipeline in Azure DevOps as an engineer has set it up: guarded environments, and a connection to ship."""

import json
from collections.abc import Iterable, Mapping

from sandbox.azure.workspace import Workspace
from sandbox.devops.engine.invoke import INVOKE_REST
from sandbox.devops.identities import ENGINEER
from sandbox.devops.twin import DevOpsTwin

PIPELINE = "spotter-edge"
YAML = "infra/provision/pipelines/edge.yml"
CONNECTION = "edge-connection"
ASKED = "spotter"
RINGS = ("canary", "all")
ASKED_EVERY, LONGEST_CHECK = 1, 10  # minutes


def connect(devops: DevOpsTwin, workspace: Workspace, lines: Iterable[str]) -> None:
    """The repository has been pushed. The environments carry no checks yet."""
    portal, place = devops.portal, workspace.place
    portal.create_pipeline(PIPELINE, YAML)
    portal.add_azure_connection(CONNECTION, place.subscription, place.tenant, workspace.identity.client_id)
    portal.permit("endpoint", CONNECTION, PIPELINE)
    portal.control_branches(CONNECTION, "main")
    for line in lines:
        for ring in RINGS:
            portal.add_environment(f"{line}-{ring}", f"Devices of {line}, ring {ring}")
            portal.permit("environment", f"{line}-{ring}", PIPELINE)


def ask_first(
    devops: DevOpsTwin, lines: Iterable[str], url: str, path: str, headers: Mapping[str, str]
) -> None:
    """Puts the check "Invoke REST API" on every environment: it posts `{"buildId": "<id>"}` to `path` below `url`.

    An answer that says `"approved": true` lets the run on; any other one, or none, is asked again for some minutes.
    """
    resources = devops.organisation.resources
    body = {
        "name": ASKED,
        "type": "generic",
        "url": url,
        "authorization": {"scheme": "None", "parameters": {}},
    }
    endpoint = resources.add_endpoint(ASKED, body, ENGINEER)
    settings = {
        "definitionRef": {"id": INVOKE_REST, "name": "InvokeRESTAPI", "version": "1.220.0"},
        "displayName": "Approved in Spotter",
        "retryInterval": ASKED_EVERY,
        "inputs": {
            "connectedServiceNameSelector": "connectedServiceName",
            "connectedServiceName": endpoint.id,
            "method": "POST",
            "urlSuffix": path,
            "headers": json.dumps({"Content-Type": "application/json", **headers}),
            "body": json.dumps({"buildId": "$(Build.BuildId)"}),
            "successCriteria": "eq(root['approved'], true)",
            "waitForCompletion": "false",
        },
    }
    for line in lines:
        for ring in RINGS:
            environment = resources.environment(f"{line}-{ring}")
            if environment is None:
                raise KeyError(f"{line}-{ring}")
            where = ("environment", str(environment.id))
            resources.add_check("Task Check", settings, where, LONGEST_CHECK, ENGINEER)
