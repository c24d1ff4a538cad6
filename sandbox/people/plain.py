"""Messages and views as plain text, the way a person would read them aloud."""

import re
from collections.abc import Callable

from .wire import Json

Names = dict[str, str]
_FENCE = "```"
_TOKEN = re.compile(r"<([^<>]+)>")
_MARKS = re.compile(r"(?<![\w`])([*_~`])(?=\S)([^*~`\n]*?\S)\1(?!\w)")


class Reader:
    """Renders blocks; `names` gives people, channels and groups by id."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._blocks: dict[str, Callable[[Json], list[str]]] = {
            "header": lambda block: [f"# {self.text(block['text'])}"],
            "section": self._section,
            "context": lambda block: [" · ".join(self._item(item) for item in block["elements"])],
            "actions": lambda block: [" ".join(self._item(item) for item in block["elements"])],
            "context_actions": lambda block: [" ".join(self._item(item) for item in block["elements"])],
            "divider": lambda _: ["---"],
            "image": self._image,
            "input": lambda block: [f"{self.text(block['label'])}: {self._item(block['element'])}"],
            "markdown": lambda block: block["text"].splitlines(),
            "alert": lambda block: [f"! {self.text(block['text'])}"],
            "rich_text": lambda block: self._rich_text(block).splitlines(),
            "table": self._table,
            "data_table": self._table,
            "data_visualization": self._chart,
            "card": self._card,
            "carousel": lambda block: [line for card in block["elements"] for line in self._card(card)],
            "container": self._container,
            "plan": lambda block: [
                block["title"],
                *(line for task in block.get("tasks", []) for line in self._task(task)),
            ],
            "task_card": self._task,
            "video": lambda block: [f"(video: {block['alt_text']})"],
        }

    def message(self, message: Json) -> str:
        """Its blocks, or its text where it has none, and its files."""
        lines = self.blocks(message.get("blocks") or [])
        lines = lines or self.mrkdwn(message.get("text", "")).splitlines()
        for file in message.get("files", []):
            kind = "image" if file["mimetype"].startswith("image/") else "file"
            lines.append(f"({kind}: {file['title']})")
        return "\n".join(line.rstrip() for line in lines)

    def blocks(self, blocks: list[Json]) -> list[str]:
        return [line for block in blocks for line in self._blocks[block["type"]](block)]

    def text(self, text: Json) -> str:
        return self.mrkdwn(text["text"]) if text["type"] == "mrkdwn" else str(text["text"])

    def mrkdwn(self, text: str) -> str:
        """Without marks, links as their labels, ids as names and times as their fallback."""
        text = _TOKEN.sub(lambda token: self._token(token.group(1)), text)
        parts = text.split(_FENCE)
        parts[::2] = [_MARKS.sub(r"\2", part) for part in parts[::2]]
        text = _FENCE.join(parts)
        return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")

    def _token(self, inside: str) -> str:
        target, _, label = inside.partition("|")
        if target[0] == "@":
            return f"@{self._names.get(target[1:], target[1:])}"
        if target[0] == "#":
            return f"#{self._names.get(target[1:], label)}"
        if target.startswith("!subteam^"):
            return f"@{self._names.get(target.removeprefix('!subteam^'), label)}"
        if target.startswith("!date^"):
            return label
        return f"@{target[1:]}" if target[0] == "!" else label or target

    def _section(self, block: Json) -> list[str]:
        lines = self.text(block["text"]).splitlines() if "text" in block else []
        lines += [self.text(field).replace("\n", " ") for field in block.get("fields", [])]
        if "accessory" in block:
            lines.append(self._item(block["accessory"]))
        return lines

    def _image(self, block: Json) -> list[str]:
        return [f"(image: {block['alt_text']})"]

    def _item(self, element: Json) -> str:
        kind = element["type"]
        if kind in ("mrkdwn", "plain_text"):
            return self.text(element)
        if kind == "image":
            return f"(image: {element['alt_text']})"
        if kind in ("button", "icon_button"):
            return f"[{self.text(element['text'])}]"
        if kind == "overflow":
            return f"[… {' / '.join(self.text(option['text']) for option in element['options'])}]"
        if kind in ("radio_buttons", "checkboxes"):
            return " ".join(f"( ) {self.text(option['text'])}" for option in element["options"])
        chosen = element.get("initial_option")
        shown = chosen["text"] if chosen else element.get("placeholder")
        return (
            f"[{self.text(shown) if shown else ''} ▾]" if "select" in kind else f"[{self._entered(element)}]"
        )

    def _entered(self, element: Json) -> str:
        placeholder = element.get("placeholder")
        for name, value in element.items():
            if name.startswith("initial_"):
                return str(value)
        return self.text(placeholder) if placeholder else ""

    def _table(self, block: Json) -> list[str]:
        rows = [[self._cell(cell) for cell in row] for row in block["rows"]]
        widths = [max(len(row[i]) for row in rows if i < len(row)) for i in range(max(map(len, rows)))]
        lines = [
            " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)) for row in rows
        ]
        caption = [block["caption"]] if "caption" in block else []
        return caption + lines

    def _cell(self, cell: Json) -> str:
        if cell["type"] == "rich_text":
            return self._rich_text(cell).replace("\n", " ")
        return str(cell.get("text", cell.get("value")))

    def _chart(self, block: Json) -> list[str]:
        chart = block["chart"]
        lines = [f"({chart['type']} chart: {block['title']})"]
        series = chart.get("series") or [{"name": "", "data": chart.get("segments", [])}]
        for line in series:
            figures = ", ".join(f"{point['label']} {point['value']}" for point in line["data"])
            lines.append(f"  {line['name']}: {figures}" if line["name"] else f"  {figures}")
        return lines

    def _card(self, block: Json) -> list[str]:
        parts = [block[name] for name in ("title", "subtitle", "body", "subtext") if name in block]
        lines = [line for part in parts for line in self.text(part).splitlines()]
        if "actions" in block:
            lines.append(" ".join(self._item(button) for button in block["actions"]))
        return lines

    def _container(self, block: Json) -> list[str]:
        title = self.text(block["title"]) if "title" in block else self._rich_text(block["rich_text_title"])
        return [f"▸ {title}", *(f"  {line}" for line in self.blocks(block["child_blocks"]))]

    def _task(self, task: Json) -> list[str]:
        return [f"- {task['title']} ({task.get('status', 'pending')})"]

    def _rich_text(self, block: Json) -> str:
        return "\n".join(self._rich_part(part) for part in block["elements"])

    def _rich_part(self, part: Json) -> str:
        if part["type"] == "rich_text_list":
            return "\n".join(f"- {self._rich_part(item)}" for item in part["elements"])
        shown = "".join(self._rich_inline(item) for item in part["elements"])
        return f"> {shown}" if part["type"] == "rich_text_quote" else shown

    def _rich_inline(self, item: Json) -> str:
        kind = item["type"]
        if kind == "link":
            return str(item.get("text") or item["url"])
        if kind in ("user", "usergroup", "channel"):
            sign = "#" if kind == "channel" else "@"
            target = str(item[f"{kind}_id"])
            return sign + self._names.get(target, target)
        if kind == "emoji":
            return f":{item['name']}:"
        if kind == "date":
            return str(item.get("fallback", item["timestamp"]))
        return f"@{item['range']}" if kind == "broadcast" else str(item.get("text", item.get("value", "")))
