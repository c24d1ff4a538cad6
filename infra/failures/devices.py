"""Why a device does not run what was shipped to it."""

from dataclasses import replace

from infra.failures.explain import Explanation, explain, shortened
from infra.iothub.rollout import Landing

CATALOGUE = ("iothub.toml",)
SAYS_IT_IS_ILL = "edge-model-ill"
UNKNOWN_REMEDY = "Run iotedge check and iotedge logs detector on the device."


def explain_landing(landing: Landing) -> Explanation:
    """The explanation of a device that failed, is silent, waits or is outranked. `raw` has the device's own words."""
    if landing.phase == "outranked":
        return Explanation(
            cause=f"Another deployment outranks this one on the device: {landing.winner}.",
            remedy="Withdraw that one, or ship again: what is shipped last wins.",
            ours=True,
            again=False,
            raw="",
            reason="edge-outranked",
        )
    found = explain(landing.messages, landing.codes, catalogues=CATALOGUE)
    if found.reason == SAYS_IT_IS_ILL and found.raw:
        return replace(found, cause=f"The module runs, but says: {found.raw}")
    if found.is_known:
        return found
    cause = shortened(found.raw) or "The device gives no reason."
    return replace(found, cause=cause, remedy=UNKNOWN_REMEDY, ours=True, again=False)
