"""Charts and tables: `data_visualization`, `table` and `data_table`, which messages alone may have."""

from collections.abc import Iterator
from typing import Any

from .composition import ID, RICH_TEXT
from .rules import (
    at,
    boolean,
    by_type,
    integer,
    listing,
    nullable,
    number,
    one_of,
    positive,
    shape,
    string,
    typed,
)

TABLE_CHARACTERS = 10_000
DATA_TABLE_CHARACTERS = 20_000
_LABEL = string(1, 20)
_POINT = shape({"label": _LABEL, "value": number})
_SERIES = shape({"name": _LABEL, "data": listing(_POINT, 1, 20)})
_AXES = shape({"categories": listing(_LABEL, 1, 20)}, {"x_label": string(1, 50), "y_label": string(1, 50)})
_SEGMENT = shape({"label": _LABEL, "value": positive})


def _points_match_categories(chart: Any, pointer: str) -> Iterator[str]:
    names = [series["name"] for series in chart["series"]]
    categories = chart["axis_config"]["categories"]
    for index, series in enumerate(chart["series"]):
        where = f"{pointer}/series/{index}"
        if names.index(series["name"]) != index:
            yield at("series names must be unique", f"{where}/name")
        if [point["label"] for point in series["data"]] != categories:
            yield at("must provide exactly one data point for each category", f"{where}/data")


_CHARTS = {
    kind: typed(
        kind, {"series": listing(_SERIES, 1, 12), "axis_config": _AXES}, None, _points_match_categories
    )
    for kind in ("line", "bar", "area")
}
DATA_VISUALIZATION = typed(
    "data_visualization",
    {
        "title": string(1, 50),
        "chart": by_type({**_CHARTS, "pie": typed("pie", {"segments": listing(_SEGMENT, 1, 12)})}),
    },
    {"block_id": ID},
)

_RAW_TEXT = typed("raw_text", {"text": string(1)})
_RAW_NUMBER = typed("raw_number", {"value": number}, {"text": string(1)})
_CELL = by_type({"raw_text": _RAW_TEXT, "raw_number": _RAW_NUMBER, "rich_text": RICH_TEXT})
_COLUMN = shape({}, {"align": one_of("left", "center", "right"), "is_wrapped": boolean})


def _characters(most: int) -> Any:
    def check(block: Any, pointer: str) -> Iterator[str]:
        if cell_characters(block) > most:
            yield at(f"must be less than {most + 1} characters over all cells", f"{pointer}/rows")

    return check


def _even_rows(block: Any, pointer: str) -> Iterator[str]:
    if len({len(row) for row in block["rows"]}) > 1:
        yield at("all rows must have the same number of cells", f"{pointer}/rows")
    if any(cell["type"] == "rich_text" for cell in block["rows"][0]):
        yield at("header cells must not be rich_text", f"{pointer}/rows/0")


TABLE = typed(
    "table",
    {"rows": listing(listing(_CELL, 1, 20), 1, 100)},
    {"block_id": ID, "column_settings": listing(nullable(_COLUMN), 0, 20)},
    _characters(TABLE_CHARACTERS),
)
DATA_TABLE = typed(
    "data_table",
    {"caption": string(1), "rows": listing(listing(_CELL, 1, 20), 2, 201)},
    {"block_id": ID, "page_size": integer(1, 100), "row_header_column_index": integer(0, 19)},
    _even_rows,
    _characters(DATA_TABLE_CHARACTERS),
)


def cell_characters(value: Any) -> int:
    """Characters in every cell of a table."""
    if isinstance(value, dict):
        own = value.get("text")
        return (len(own) if isinstance(own, str) else 0) + sum(map(cell_characters, value.values()))
    return sum(map(cell_characters, value)) if isinstance(value, list) else 0
