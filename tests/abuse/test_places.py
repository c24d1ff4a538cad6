"""Names and addresses that others choose lead to no other place, and no sign-in goes where they point."""

import json
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from infra.azureml.connection import escaped
from infra.azureml.errors import AzureError, Unreadable
from infra.azureml.storage import Storage
from infra.azureml.workspace import Workspace
from infra.http.errors import Refused, Unavailable
from infra.http.fields import decimal, moment, seconds, text, texts, whole
from infra.http.safety import is_address, without_secrets
from tests.abuse.strange import JUNK
from tests.infra.answers import Answers
from tests.infra.conftest import azure, workspace

__all__ = ["azure", "workspace"]
names = st.text(min_size=1) | st.sampled_from(
    ["..", ".", "../../x", "a/../../b", "a?x=1", "a#b", "%2e%2e", "a%00"]
)
anything = st.sampled_from(JUNK) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(names)
def test_a_name_stays_one_part_of_a_path(name: str) -> None:
    try:
        path = escaped(["models", name, "versions"])
    except (Refused, UnicodeEncodeError):
        return
    assert path.split("/")[1::2] == ["models", "versions"]
    assert not set("?#") & set(path)
    assert path.split("/")[2] not in (".", "..")


@given(anything)
def test_whatever_a_field_holds_is_read_as_something_that_can_be_stored(found: Any) -> None:
    told = {"it": found}
    for read in (text, whole, decimal, seconds, moment, texts):
        value = read(told, "it")
        for each in [value, *(value.values() if isinstance(value, dict) else [])]:
            if isinstance(each, str):
                each.encode()
                assert "\0" not in each
            if isinstance(each, int):
                assert abs(each) < 2**63


@pytest.mark.parametrize(
    "about",
    [
        {"endpoint": "evil.example"},
        {"protocol": "http"},
        {"accountName": "evil.example/"},
        {"accountName": "user:pw@evil"},
        {"containerName": "../other?x="},
    ],
)
def test_a_datastore_does_not_choose_who_gets_the_token(
    azure: Answers, workspace: Workspace, about: dict[str, str]
) -> None:
    usual = {"accountName": "linestore", "containerName": "blobs", "endpoint": "core.windows.net"}
    azure.says("GET", "./datastores/evil", {"properties": {**usual, **about}})
    try:
        place = Storage(workspace.connection).locate("azureml://datastores/evil/paths/a")
    except Unreadable:
        return
    assert place.url.startswith("https://linestore.blob.core.windows.net/")
    assert "?" not in place.url


def test_a_list_that_goes_on_elsewhere_or_for_ever_is_given_up(azure: Answers, workspace: Workspace) -> None:
    for following in ("https://evil.example/next", "https://[", "//evil.example"):
        azure.says("GET", "./computes", {"value": [], "nextLink": following})
        with pytest.raises(AzureError, match="another host"):
            workspace.clusters()
    assert not is_address("http://10.0.0.1/")
    assert is_address("https://ml.azure.com")


def test_secrets_are_struck_out_by_their_looks_and_by_their_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKS_SECRET", "correct horse battery")
    monkeypatch.setenv("AZURE_DEVOPS_EXT_PAT", "p4" * 26)
    told = (
        "xoxb-1-a xapp-1-B Bearer abcdefgh.ij Basic OnBhdDpwYXQ= eyJh.eyJz.sig ?sig=a%2Bb&x "
        "SharedAccessKey=MDEyMzQ1Njc4OTAxMjM0NTY3ODk= postgresql://spotter:hunter22@db/x "
        f"correct horse battery {'p4' * 26} wss://x/link?ticket=abc-def"
    )
    left = without_secrets(told)
    for secret in (
        "xoxb",
        "xapp",
        "abcdefgh",
        "OnBh",
        "eyJ",
        "a%2Bb",
        "MDEy",
        "hunter22",
        "horse",
        "p4p4",
        "abc-def",
    ):
        assert secret not in left
    assert Unavailable(told).message == str(Unavailable(told)) == left


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=8, max_size=30))
@example('p&ss "w/rd"\\ü+%25 🔑\n')
@example("\\\\\\\\////")
def test_a_secret_is_struck_out_however_it_is_escaped(secret: str) -> None:
    in_json = json.dumps(secret)[1:-1]
    ways = [
        secret,
        in_json,
        json.dumps(secret, ensure_ascii=False)[1:-1],
        json.dumps(in_json)[1:-1],
        in_json.replace("/", "\\/"),
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        quote(quote(secret, safe=""), safe=""),
        json.dumps(quote(secret))[1:-1],
        quote(in_json),
        repr(secret)[1:-1],
    ]
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("HOOKS_SECRET", secret)
        for way in ways:
            assert without_secrets(f"\0{way}\0") == "\0[secret]\0", way
        environment.delenv("HOOKS_SECRET")
        environment.setenv("DATABASE_URL", f"postgresql://spotter:{quote(secret, safe='')}@/db?host=/tmp")
        assert without_secrets(f"\0{secret}\0") == "\0[secret]\0"
        environment.setenv("DATABASE_URL", f"postgresql://db/spotter?password={quote_plus(secret)}")
        assert without_secrets(f"\0{secret}\0") == "\0[secret]\0"
    assert without_secrets(f"<{secret}>") == f"<{secret}>"


def test_a_secret_is_struck_out_as_dotnet_escapes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKS_SECRET", 'p&ss "w/rd"\\ü+🔑')
    assert without_secrets(r"<p\u0026ss \u0022w/rd\u0022\\\u00FC\u002B\uD83D\uDD11>") == "<[secret]>"
