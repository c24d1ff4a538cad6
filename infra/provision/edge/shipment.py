"""A shipment: one model version on its way to one ring of one target. Runs on a bare agent: standard library only."""

import hashlib
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace

from infra.azureml.names import MODEL_NAME, MODEL_VERSION

RULES = {
    "MODEL_NAME": MODEL_NAME.pattern,
    "MODEL_VERSION": MODEL_VERSION.pattern,
    "TARGET": re.compile(r"[a-z0-9][a-z0-9-]{0,31}"),
    "RING": re.compile(r"canary|all"),
    "CORRELATION_ID": re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}"),
    "BUILD_BUILDID": re.compile(r"[1-9][0-9]{0,9}"),
}
BY_HAND, CANARY = "none", "canary"
LONGEST_NAME = 32


@dataclass(frozen=True)
class Shipment:
    """`correlation` is the request's id, or `none` for a run that someone started by hand; `build` is the run's id."""

    model: str
    version: int
    target: str
    ring: str
    correlation: str
    build: int

    @property
    def key(self) -> str:
        """What all rings of one request share: its correlation ids end with the ring."""
        if self.correlation == BY_HAND:
            return f"build-{self.build}"
        return self.correlation.removesuffix(f"-{self.ring}")

    @property
    def image_tag(self) -> str:
        """What people read in the registry; which image is shipped does not hang on it."""
        return f"{self.model[:LONGEST_NAME]}-{self.version}-{self.key}"

    @property
    def deployment_id(self) -> str:
        """The same for the same request, another one for every other: a retry finds what the first try made.

        IoT Hub allows 128 small letters, digits and hyphens; the digest keeps names apart that differ beyond that.
        """
        exact = f"{self.model}\n{self.version}\n{self.key}"
        short = hashlib.sha256(exact.encode()).hexdigest()[:8]
        model = self.model.lower()[:LONGEST_NAME]
        return f"{self.target}-{self.ring}-{model}-{self.version}-{short}"

    @property
    def deployments(self) -> tuple[str, ...]:
        """Ids of what this request may have in IoT Hub already: for this ring, and for the canary before it."""
        rings = dict.fromkeys((self.ring, CANARY))
        return tuple(replace(self, ring=ring, correlation=self.key).deployment_id for ring in rings)

    @property
    def priority(self) -> int:
        """The build id, which only grows: what was shipped last wins, and a retried stage keeps its rank."""
        return self.build


def read(environment: Mapping[str, str]) -> Shipment:
    """From the pipeline's variables. Raises ValueError naming the variable; its value is not repeated."""
    for name, rule in RULES.items():
        if not rule.fullmatch(environment.get(name, "")):
            raise ValueError(f"{name} is missing or has a form that is not allowed.")
    return Shipment(
        model=environment["MODEL_NAME"],
        version=int(environment["MODEL_VERSION"]),
        target=environment["TARGET"],
        ring=environment["RING"],
        correlation=environment["CORRELATION_ID"],
        build=int(environment["BUILD_BUILDID"]),
    )


def main() -> None:
    """Print the image's tag, or the ids of deployments a line each; or end with an error that Azure Pipelines shows."""
    try:
        shipment = read(os.environ)
    except ValueError as wrong:
        sys.exit(f"##vso[task.logissue type=error]{wrong}")
    told = shipment.deployments if sys.argv[1:] == ["deployments"] else (shipment.image_tag,)
    sys.stdout.write("".join(f"{line}\n" for line in told))


if __name__ == "__main__":
    main()
