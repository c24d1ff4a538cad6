"""What can be held of the Bicep files without a compiler: grammar, references, reasons, secure defaults."""

import re
from pathlib import Path

import pytest

BICEP = Path(__file__).parents[2] / "infra" / "provision" / "bicep"
FILES = sorted(BICEP.rglob("*.bicep"))
MAIN = (BICEP / "main.bicep").read_text()
PARAMETERS = (BICEP / "main.bicepparam").read_text()
ROLES = "".join((BICEP / "modules" / f"{name}.bicep").read_text() for name in ("roles", "picture-roles"))
VARIABLES = (BICEP.parent / "pipelines" / "variables.yml").read_text()

by_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


def test_there_is_something_to_check() -> None:
    assert len(FILES) > 10


@by_file
def test_it_parses(file: Path) -> None:
    pycep = pytest.importorskip(
        "pycep", reason="pycep-parser, which checkov reads Bicep with, is not installed"
    )
    assert pycep.BicepParser().parse(text=file.read_text())


@by_file
def test_every_parameter_and_output_says_what_it_is(file: Path) -> None:
    lines = file.read_text().splitlines()
    for number, line in enumerate(lines):
        if re.match(r"(param|output) ", line):
            assert described(lines, number), f"{line} has no @description"


@by_file
def test_every_parameter_and_variable_is_used(file: Path) -> None:
    text = file.read_text()
    for name in re.findall(r"^(?:param|var) (\w+)", text, re.MULTILINE):
        assert len(re.findall(rf"\b{name}\b", without_comments(text))) > 1, f"{name} is not used"


@by_file
def test_no_secret_leaves_by_an_output_or_a_default(file: Path) -> None:
    text = without_comments(file.read_text())
    for output in re.findall(r"^output .*$", text, re.MULTILINE):
        assert not re.search(r"list\w*Keys?\(|getSecret|password|connectionString", output, re.IGNORECASE), (
            output
        )
    assert "listKeys(" not in text
    for secret in re.findall(r"@secure\(\)\nparam .*$", text, re.MULTILINE):
        assert "=" not in secret, f"{secret} has a default"
    for password in re.findall(r"^param \w*(?:[pP]assword|[sS]ecret|[tT]oken)\w* .*$", text, re.MULTILINE):
        assert f"@secure()\n{password}" in text


def test_every_module_is_used_and_every_used_one_is_there() -> None:
    used = set(re.findall(r"^module \w+ '([^']+)'", MAIN, re.MULTILINE))
    assert used == {f"modules/{path.name}" for path in (BICEP / "modules").iterdir()}


def test_every_module_is_given_its_parameters_and_no_others() -> None:
    for path, given in re.findall(r"^module \w+ '([^']+)'.*?\n  params: \{\n(.*?)\n  \}", MAIN, re.M | re.S):
        declared = dict(re.findall(r"^param (\w+) \w+(.*)$", (BICEP / path).read_text(), re.MULTILINE))
        names = set(re.findall(r"^    (\w+):", given, re.MULTILINE))
        assert names <= set(declared), path
        assert {name for name, default in declared.items() if not default} <= names, path


def test_every_output_that_is_read_is_declared() -> None:
    modules = dict(re.findall(r"^module (\w+) '([^']+)'", MAIN, re.MULTILINE))
    for module, output in re.findall(r"(\w+)\.outputs\.(\w+)", MAIN):
        assert re.search(rf"^output {output} ", (BICEP / modules[module]).read_text(), re.MULTILINE)


def test_values_come_from_the_variables_file() -> None:
    assert set(re.findall(r"^param (\w+)", PARAMETERS, re.M)) <= set(re.findall(r"^param (\w+)", MAIN, re.M))
    required = re.findall(r"^param (\w+) \w+$", MAIN, re.MULTILINE)
    assert set(required) <= set(re.findall(r"^param (\w+)", PARAMETERS, re.MULTILINE))
    for variable in re.findall(r"readEnvironmentVariable\('(\w+)'", PARAMETERS):
        assert re.search(rf"^  {variable}:", VARIABLES, re.MULTILINE), variable


def test_every_role_assignment_says_why() -> None:
    for grant in blocks(ROLES, "roleAssignments"):
        reason = re.search(r"\n    description: '(.+)'\n", grant)
        assert reason and len(reason[1]) > 30 and reason[1].endswith("."), grant
    for file in FILES:
        assert file.stem in ("roles", "picture-roles") or "roleAssignments" not in file.read_text()


def test_roles_are_narrow() -> None:
    grants = {
        (who, role, scope) for scope, who, role in re.findall(r"name: guid\((\w+)\.id, (\w+), (\w+)\)", ROLES)
    }
    assert len(grants) == len(blocks(ROLES, "roleAssignments"))
    assert "'b24988ac-6180-42a0-ab88-20f7382dd24c'" not in ROLES, "Contributor"
    assert "'8e3af657-a8ff-443c-a75c-2fe8c4bcb635'" not in ROLES, "Owner"
    assert not re.search(r"scope: (resourceGroup|subscription)\(", ROLES)
    assert {grant for grant in grants if grant[0] == "botId"} == {
        ("botId", "amlDataScientist", "workspace"),
        ("botId", "blobReader", "store"),
        ("botId", "blobReader", "pictures"),
        ("botId", "hubContributor", "hub"),
        ("botId", "acrPull", "registry"),
        ("botId", "secretsUser", "botVault"),
    }
    assert {who for who, role, _ in grants if role == "hubContributor"} == {"botId", "shipperId"}


@pytest.mark.parametrize(
    ("module", "settings"),
    [
        (
            "storage",
            ["allowBlobPublicAccess: false", "allowSharedKeyAccess: false", "minimumTlsVersion: 'TLS1_2'"],
        ),
        ("vault", ["enableRbacAuthorization: true", "enablePurgeProtection: true", "enableSoftDelete: true"]),
        ("registry", ["adminUserEnabled: false", "anonymousPullEnabled: false"]),
        ("workspace", ["type: 'SystemAssigned'", "systemDatastoresAuthMode: 'Identity'"]),
        ("gpu-cluster", ["disableLocalAuth: true", "remoteLoginPortPublicAccess: 'Disabled'"]),
        ("datastore", ["credentialsType: 'None'"]),
        ("iot-hub", ["disableLocalAuth: true", "minTlsVersion: '1.2'"]),
        ("database", ["name: 'require_secure_transport'", "value: 'ON'"]),
        ("bot", ["type: 'UserAssigned'", "allowInsecure: false"]),
    ],
)
def test_defaults_are_secure(module: str, settings: list[str]) -> None:
    text = without_comments((BICEP / "modules" / f"{module}.bicep").read_text())
    for setting in settings:
        assert re.search(rf"^ +{re.escape(setting)}$", text, re.MULTILINE), setting


def test_the_retired_size_of_older_set_ups_is_gone() -> None:
    assert "param vmSize string = 'Standard_NC4as_T4_v3'" in MAIN
    assert re.search(r"^  VM_SIZE: Standard_NC4as_T4_v3$", VARIABLES, re.MULTILINE)


@pytest.mark.parametrize("kept", ["storage", "vault", "registry", "workspace", "iot-hub", "database", "bot"])
def test_what_happens_is_logged(kept: str) -> None:
    assert blocks((BICEP / "modules" / f"{kept}.bicep").read_text(), "diagnosticSettings")


@by_file
def test_a_suppressed_finding_says_why(file: Path) -> None:
    for line in re.findall(r"^.*checkov:skip.*$", file.read_text(), re.MULTILINE):
        assert re.fullmatch(r" +// checkov:skip=CKV2?_AZURE_\d+:.{20,}", line), line


def described(lines: list[str], number: int) -> bool:
    """Whether a decorator above says what the line declares."""
    while lines[number - 1].startswith(("@", "  '", "])")):
        number -= 1
        if lines[number].startswith("@description('"):
            return True
    return False


def without_comments(text: str) -> str:
    return re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE)


def blocks(text: str, kind: str) -> list[str]:
    """The resources of a kind, each with all its lines."""
    return re.findall(rf"^resource \w+ '[^']*/{kind}@.*?^}}$", text, re.MULTILINE | re.DOTALL)
