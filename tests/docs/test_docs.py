"""What the docs promise is there, and what is there is in the docs."""

import re
import runpy
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from bot.settings import Settings
from commands import rooms
from commands.kit import policy
from commands.kit.errors import UserError
from commands.kit.manifest import SCOPES, manifest
from infra.setup.wanted import Wanted

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
POLICY = (ROOT / "docs" / "policy.md").read_text()
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("infra/**/*.md"), *ROOT.glob("sandbox/**/*.md")]
)
LINK = re.compile(r"""(?:\]\(|src(?:set)?=")([^)\s"]+)[)"]""")
NOT_A_COMMAND = {"kit", "home"}


def test_every_room_of_commands_is_registered_documented_and_told_as_a_story() -> None:
    folders = {path.name for path in (ROOT / "commands").iterdir() if (path / "__init__.py").exists()}
    assert {command.word for command in rooms.ALL} == folders - NOT_A_COMMAND
    stories = "\n".join(path.read_text() for path in (ROOT / "tests" / "stories").glob("test_*.py"))
    for command in rooms.ALL:
        assert command.handler is not None
        assert f"`{command.usage}`" in README
        assert command.name in stories


def test_every_button_that_a_command_declares_is_its_own() -> None:
    actions = [action for command in rooms.ALL for action in command.actions]
    assert len(actions) == len(set(actions))


def test_every_policy_key_is_explained() -> None:
    for section, key in keys():
        assert f"## `[{section}]`" in POLICY
        assert f"| `{key}` |" in POLICY, f"[{section}] {key} is not explained in docs/policy.md"


def test_every_setting_is_explained() -> None:
    for name in {*Settings.model_fields} - {"slack_api_url"}:
        assert f"`{name.upper()}`" in README, f"{name.upper()} is not explained in the README"


@pytest.mark.parametrize("file", ["sandbox/spotter.toml", "tests/stories/spotter.toml"])
def test_the_policies_that_we_ship_are_valid(file: str) -> None:
    assert policy.load(ROOT / file).roles.train == ["S0TRAINERS"]


def test_the_example_policy_of_the_docs_is_valid(tmp_path: Path) -> None:
    example = POLICY.split("```toml")[1].split("```")[0]
    (tmp_path / "spotter.toml").write_text(example)
    assert (
        policy.load(tmp_path / "spotter.toml").training.max_trials
        == tomllib.loads(example)["training"]["max_trials"]
    )


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[roles]\ntrane = []", "roles.trane"),
        ("[exports]\npattern = '('", "exports.pattern"),
        ("[pace]\nruns_seconds = 0", "pace.runs_seconds"),
        ("[training]\nmax_trials = 'many'", "training.max_trials"),
        (
            '[[digests]]\nname = "a"\nchannel = "C1"\nwhen = "0 25 * * *"',
            "digests.0.when: .*the hour of .* cannot be",
        ),
        ("[roles", "not valid TOML"),
    ],
)
def test_a_wrong_policy_is_refused_with_the_key_that_is_wrong(tmp_path: Path, text: str, named: str) -> None:
    (tmp_path / "spotter.toml").write_text(text)
    with pytest.raises(UserError, match=named):
        policy.load(tmp_path / "spotter.toml")


def test_without_a_policy_nobody_may_train_but_one_that_was_named_must_be_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert policy.load(None).roles.train == []
    with pytest.raises(UserError, match="no policy file"):
        policy.load(Path("spotter.toml"))


def test_the_manifest_has_every_command_and_no_scope_without_a_reason() -> None:
    made = manifest(rooms.ALL)
    assert [entry["command"] for entry in made["features"]["slash_commands"]] == [c.name for c in rooms.ALL]
    assert made["oauth_config"]["scopes"]["bot"] == sorted(SCOPES)
    assert made["settings"]["socket_mode_enabled"]
    over_http = manifest(rooms.ALL, request_url="https://spotter.example/slack/events")
    assert {entry["url"] for entry in over_http["features"]["slash_commands"]} == {
        "https://spotter.example/slack/events"
    }


def test_the_page_of_commands_is_what_they_declare() -> None:
    written = runpy.run_path(str(ROOT / "docs" / "write_commands.py"))
    assert written["FILE"].read_text() == written["page"](), "run docs/write_commands.py"


def test_the_tables_of_the_page_on_security_are_what_is_declared_and_tried() -> None:
    written = runpy.run_path(str(ROOT / "docs" / "write_security.py"))
    assert written["FILE"].read_text() == written["page"](), "run python -m docs.write_security"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text()):
        if target.startswith("https://"):
            continue
        path, _, part = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{target} is not there"
        if part:
            assert part in anchors(there), f"{target}: no such heading"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_table_has_a_heading_and_rows_as_wide(page: Path) -> None:
    """A blank line in between would leave rows that are shown as they are typed."""
    tables: list[str] = re.findall(r"(?:^\|.*\n)+", page.read_text(), re.MULTILINE)
    for lines in (table.splitlines() for table in tables):
        assert re.fullmatch(r"\|([ :-]+\|)+", "".join(lines[1:2])), f"no heading above {lines[0]}"
        widths = {len(re.findall(r"(?<!\\)\|", re.sub(r"`[^`]*`", "", line))) for line in lines}
        assert len(widths) == 1, f"rows of different width below {lines[0]}"


def test_every_page_of_the_docs_is_in_their_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text()
    for page in (ROOT / "docs").glob("*.md"):
        assert page.name == "README.md" or f"({page.name})" in index


def test_every_picture_is_shown_somewhere_and_small() -> None:
    shown = {Path(target).name for page in PAGES for target in LINK.findall(page.read_text())}
    for picture in (ROOT / "docs" / "pictures").iterdir():
        assert picture.name in shown, f"{picture.name} is shown nowhere"
        assert picture.stat().st_size < 150_000, f"{picture.name} is large"


def anchors(page: Path) -> set[str]:
    """Of its headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def keys() -> Iterator[tuple[str, str]]:
    """Every table with its keys, as people write them; tables below a target's are told in a sentence there."""
    tables: dict[str, type[BaseModel]] = {"targets.NAME": policy.Target, "provision": Wanted}
    tables["[digests]"] = policy.FirstDigest
    tables |= {name: kind for name, kind in _tables(policy.Policy) if name not in ("targets", "provision")}
    tables |= {f"provision.{name}": kind for name, kind in _tables(Wanted)}
    for section, kind in tables.items():
        for key in kind.model_fields:
            yield section, key


def _tables(above: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    for name, field in above.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield name, field.annotation
