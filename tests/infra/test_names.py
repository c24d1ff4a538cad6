import pytest

from infra.azureml import machines
from infra.azureml.names import (
    CLUSTER_NAME,
    IOT_DEPLOYMENT_ID,
    JOB_NAME,
    MODEL_NAME,
    MODEL_VERSION,
    NameRule,
    slug,
)


@pytest.mark.parametrize(
    ("rule", "name", "allowed"),
    [
        (MODEL_NAME, "Cap_Detection-2", True),
        (MODEL_NAME, "cap.model", False),
        (MODEL_NAME, "cap/model", False),
        (MODEL_NAME, "-cap", False),
        (MODEL_NAME, "c" * 255, True),
        (MODEL_NAME, "c" * 256, False),
        (MODEL_NAME, "cap\n", False),
        (JOB_NAME, "caps-20261122-3f9a", True),
        (CLUSTER_NAME, "gpu1", True),
        (CLUSTER_NAME, "gpu-1", False),
        (CLUSTER_NAME, "gpu-1a", True),
        (CLUSTER_NAME, "gp", False),
        (MODEL_VERSION, "12", True),
        (MODEL_VERSION, "0", False),
        (IOT_DEPLOYMENT_ID, "Caps", False),
    ],
)
def test_names(rule: NameRule, name: str, allowed: bool) -> None:
    assert rule.allows(name) is allowed
    assert rule.sentence.endswith(".")


def test_a_slug_is_a_model_name() -> None:
    assert slug("Cap détection / v2.0 ") == "cap-d-tection-v2-0"
    assert slug("__!") == ""
    assert MODEL_NAME.allows(slug("x" * 400))


@pytest.mark.parametrize(
    ("size", "gpu", "warned"),
    [
        ("Standard_NC4as_T4_v3", True, False),
        ("Standard_NC24ads_A100_v4", True, False),
        ("STANDARD_NC6", True, True),
        ("Standard_NC6s_v3", True, True),
        ("Standard_NC24rs_v3", True, True),
        ("Standard_NV12s_v3", True, True),
        ("Standard_NV36ads_A10_v5", True, False),
        ("Standard_NV6ads_A10_v5", True, True),
        ("Standard_DS3_v2", False, False),
        ("Standard_NP10s", False, False),
        ("", None, False),
    ],
)
def test_machines(size: str, gpu: bool | None, warned: bool) -> None:
    assert machines.has_gpu(size) is gpu
    assert bool(machines.warning(size)) is warned
