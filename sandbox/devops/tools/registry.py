"""A container registry, as Docker's command line meets it: signed in by what `az acr login` left behind."""

import hashlib
import json
import os
from pathlib import Path
from urllib.parse import urljoin

import requests

from sandbox.devops.tools.azure import ARM_SCOPE, SECONDS, failed, token

NOBODY = "00000000-0000-0000-0000-000000000000"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"


def login(name: str) -> None:
    """Exchanges the identity's token for one of the registry's, and keeps it for Docker."""
    host = f"{name}.azurecr.io"
    form = {"grant_type": "access_token", "service": host, "access_token": token(ARM_SCOPE)}
    answer = requests.post(f"https://{host}/oauth2/exchange", data=form, timeout=SECONDS)
    if answer.status_code != 200:
        failed(f"Could not connect to the registry login server '{host}': {answer.text}")
    file = _config()
    file.parent.mkdir(parents=True, exist_ok=True)
    entry = {"username": NOBODY, "identitytoken": answer.json()["refresh_token"]}
    file.write_text(json.dumps({"auths": {host: entry}}))


class Repository:
    """One repository of a registry; `reference` is what stands after its name: a tag or a digest."""

    def __init__(self, image: str) -> None:
        host, _, rest = image.partition("/")
        name, at, digest = rest.partition("@")
        name, _, tag = (name, "", "") if at else rest.rpartition(":")
        self.reference = digest or tag
        self._base = f"https://{host}/v2/{name}"
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {_access_token(host, name)}"

    def digest(self) -> str | None:
        """Of the image; None where there is none. Raises HTTPError."""
        answer = self._send("HEAD", f"{self._base}/manifests/{self.reference}")
        if answer.status_code == 404:
            return None
        answer.raise_for_status()
        return str(answer.headers["Docker-Content-Digest"])

    def push_blob(self, content: bytes) -> str:
        """Its digest. Raises HTTPError."""
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        begun = self._send("POST", f"{self._base}/blobs/uploads/")
        begun.raise_for_status()
        place = urljoin(self._base, begun.headers["Location"])
        self._send("PUT", place, params={"digest": digest}, data=content).raise_for_status()
        return digest

    def push_manifest(self, content: bytes) -> None:
        headers = {"Content-Type": MANIFEST_TYPE}
        url = f"{self._base}/manifests/{self.reference}"
        self._send("PUT", url, data=content, headers=headers).raise_for_status()

    def _send(self, method: str, url: str, **options: object) -> requests.Response:
        return self._session.request(method, url, timeout=SECONDS, **options)  # type: ignore[arg-type]  # passed on


def _access_token(host: str, name: str) -> str:
    file = _config()
    known = json.loads(file.read_text())["auths"] if file.exists() else {}
    form = {
        "grant_type": "refresh_token",
        "service": host,
        "scope": f"repository:{name}:pull,push",
        "refresh_token": known.get(host, {}).get("identitytoken", ""),
    }
    answer = requests.post(f"https://{host}/oauth2/token", data=form, timeout=SECONDS)
    if answer.status_code != 200:
        failed(f"failed to authorize: {host}: 401 Unauthorized")
    return str(answer.json()["access_token"])


def _config() -> Path:
    return Path(os.environ["HOME"]) / ".docker" / "config.json"
