"""A container registry, as Docker's command line meets it: signed in by what `az acr login` left behind."""

import hashlib
import json
import os
from pathlib import Path
from urllib.parse import urljoin

from sandbox.devops.tools.azure import ARM_SCOPE, Answer, failed, send, token

NOBODY = "00000000-0000-0000-0000-000000000000"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"


def login(name: str) -> None:
    """Exchanges the identity's token for one of the registry's, and keeps it for Docker."""
    host = f"{name}.azurecr.io"
    form = {"grant_type": "access_token", "service": host, "access_token": token(ARM_SCOPE)}
    answer = send("POST", f"https://{host}/oauth2/exchange", form=form)
    if answer.status != 200:
        failed(f"Could not connect to the registry login server '{host}': {answer.body.decode()}")
    file = _config()
    file.parent.mkdir(parents=True, exist_ok=True)
    entry = {"username": NOBODY, "identitytoken": answer.json()["refresh_token"]}
    file.write_text(json.dumps({"auths": {host: entry}}))


class Repository:
    """One repository of a registry; `tag` is what stands after its name."""

    def __init__(self, image: str) -> None:
        host, _, rest = image.partition("/")
        name, _, self.tag = rest.rpartition(":")
        self._base = f"https://{host}/v2/{name}"
        self._headers = {"Authorization": f"Bearer {_access_token(host, name)}"}

    def push_blob(self, content: bytes) -> str:
        """Its digest."""
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        begun = _fine(send("POST", f"{self._base}/blobs/uploads/", headers=self._headers, body=b""))
        place = urljoin(self._base, begun.headers["location"])
        headers = {**self._headers, "Content-Type": "application/octet-stream"}
        _fine(send("PUT", place, headers=headers, query={"digest": digest}, body=content))
        return digest

    def push_manifest(self, content: bytes) -> str:
        """The digest by which the registry knows the image."""
        headers = {**self._headers, "Content-Type": MANIFEST_TYPE}
        pushed = _fine(send("PUT", f"{self._base}/manifests/{self.tag}", headers=headers, body=content))
        return pushed.headers["docker-content-digest"]


def _fine(answer: Answer) -> Answer:
    if answer.status >= 400:
        failed(f"unexpected status from the registry: {answer.status} {answer.body.decode()}")
    return answer


def _access_token(host: str, name: str) -> str:
    file = _config()
    known = json.loads(file.read_text())["auths"] if file.exists() else {}
    form = {
        "grant_type": "refresh_token",
        "service": host,
        "scope": f"repository:{name}:pull,push",
        "refresh_token": known.get(host, {}).get("identitytoken", ""),
    }
    answer = send("POST", f"https://{host}/oauth2/token", form=form)
    if answer.status != 200:
        failed(f"failed to authorize: {host}: 401 Unauthorized")
    return str(answer.json()["access_token"])


def _config() -> Path:
    return Path(os.environ["HOME"]) / ".docker" / "config.json"
