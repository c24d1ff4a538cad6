"""How mAP moved over the versions of a model: as Slack's own chart, and drawn for workspaces that refuse it."""

from collections.abc import Sequence
from dataclasses import dataclass

from commands.kit.blocks import Block
from commands.kit.words import metric
from storage.catalog import ModelRow

MOST_VERSIONS = 12


@dataclass(frozen=True)
class Trend:
    """Versions with their mAP, the oldest first; `title` is what they show."""

    title: str
    points: Sequence[tuple[str, float]]

    @property
    def words(self) -> str:
        """For those who do not see the picture."""
        return (
            f"{self.title}. mAP by version: {', '.join(f'{v} {metric(value)}' for v, value in self.points)}"
        )

    def chart(self) -> Block:
        data = [{"label": version, "value": round(value, 3)} for version, value in self.points]
        labels = [version for version, _ in self.points]
        return {
            "type": "data_visualization",
            "title": self.title,
            "chart": {
                "type": "line",
                "series": [{"name": "mAP", "data": data}],
                "axis_config": {"categories": labels, "x_label": "Version", "y_label": "mAP"},
            },
        }

    def drawn(self) -> bytes:
        from commands.kit.plots import Axis, Line, around, line_chart  # Pillow is only needed here

        ticks = [(float(place), version) for place, (version, _) in enumerate(self.points, 1)]
        across = Axis("Version", 0.5, len(self.points) + 0.5, ticks)
        values = [value for _, value in self.points]
        line = Line("mAP", list(enumerate(values, 1)), labels=[metric(value) for value in values])
        return line_chart(self.title, across, around("mAP", values), [line])


def trend(model: ModelRow, earlier: Sequence[ModelRow]) -> Trend | None:
    """`earlier` are the versions before, newest first. None where fewer than two have a mAP."""
    known = [row for row in [model, *earlier][:MOST_VERSIONS] if row.mean_average_precision is not None]
    if len(known) < 2:
        return None
    points = [(f"v{row.version}", row.mean_average_precision or 0.0) for row in reversed(known)]
    best = max(reversed(known), key=lambda row: row.mean_average_precision or 0.0)
    since = "so far" if len(earlier) < MOST_VERSIONS else f"of the last {len(known)}"
    title = f"This is the best version {since}" if best is model else f"v{best.version} is still the best"
    return Trend(title, points)
