"""Models as last seen: which come first, and which a typed text means."""

from datetime import UTC, datetime, timedelta

from storage import catalog
from storage.catalog import ExportRow, ModelRow
from storage.database import Store

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_the_newest_version_of_each_model_is_found_by_a_part_of_its_name(store: Store) -> None:
    with store.write() as tx:
        for name, version, hours in (
            ("Cap", 1, 9),
            ("Cap", 2, 1),
            ("Cap", 10, 5),
            ("Lid_One", 4, 2),
            ("LidXOne", 1, 3),
        ):
            catalog.add_model(tx, _row(name, version, hours))
        assert _named(catalog.latest_models(tx)) == ["Lid_One:4", "LidXOne:1", "Cap:10"]
        assert _named(catalog.latest_models(tx, limit=1)) == ["Lid_One:4"]
        assert _named(catalog.latest_models(tx, containing="lid_")) == ["Lid_One:4"]
        assert _named(catalog.latest_models(tx, containing="%")) == []
        assert _named(catalog.newest_versions(tx, 2)) == ["Cap:2", "Lid_One:4"]
        assert _named(catalog.newest_versions(tx, 5, containing="cap")) == ["Cap:2", "Cap:10", "Cap:1"]


def test_of_many_models_the_versions_that_were_registered_last_are_found(store: Store) -> None:
    with store.write() as tx:
        for number in range(catalog.FEW + 5):
            catalog.add_model(tx, _row(f"Cap_{number:02}", 1, number))
        assert _named(catalog.newest_versions(tx, 2, containing="cap")) == ["Cap_00:1", "Cap_01:1"]
        assert _named(catalog.get_models(tx, [("Cap_03", 1), ("Cap_03", 2)])) == ["Cap_03:1"]
        assert catalog.get_models(tx, []) == []


def test_what_is_typed_is_looked_for_as_it_stands(store: Store) -> None:
    """Whatever it would mean in SQL or in a pattern."""
    names = ["100%", "a_b", "axb", "a\\b", "a'b", 'a"b', "a;--", "[a]", "a!b", "%", "_", "\\", "A_B2"]
    typed = [*names, "%%", "_b", "x'; DROP TABLE exports; --", "\\%", "!", "a%b", "9" * 300]
    with store.write() as tx:
        for name in names:
            catalog.add_model(tx, _row(name, 1, 1))
            row = ExportRow(name, "1", "coco", NOON, None, None, None, None, NOON, True)
            catalog.put_export(tx, row)
        for said in typed:
            meant = {name for name in names if said.lower() in name.lower()}
            assert {each.name for each in catalog.list_exports(tx, containing=said)} == meant, said
            assert {each.name for each in catalog.newest_versions(tx, 99, containing=said)} == meant, said
            assert {each.name for each in catalog.latest_models(tx, 99, containing=said)} == meant, said


def _row(name: str, version: int, hours: int) -> ModelRow:
    at = NOON - timedelta(hours=hours)
    return ModelRow(name, version, at, None, None, None, None, {}, None, None, True, at)


def _named(rows: list[ModelRow]) -> list[str]:
    return [f"{row.name}:{row.version}" for row in rows]
