"""COCO for object detection, as Data Labeling and other tools write it, turned into the rows that AutoML reads.

Boxes are `[left, top, width, height]`, in pixels or, as Data Labeling writes them, as shares of the picture; which of
the two is told by Microsoft's own rule: no edge of a share reaches 1.5. Needs nothing but Python 3.10.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

LARGEST_SHARE = 1.5
HAIR = 0.001
PROBLEMS_TOLD = 3
_OLD_ADDRESS = re.compile(r"AmlDatastore://(?P<store>[^/]+)/(?P<path>.+)", re.IGNORECASE)

Address = Callable[[str, str], str]
"""The address of a picture from its datastore and path."""


class BadCocoError(Exception):
    """What is wrong with the file, in a sentence that names the places."""


def rows(document: Any, address: Address, beside: Callable[[str], str | None]) -> list[dict[str, Any]]:
    """A row of AutoML's JSON lines for each picture.

    `beside` gives the address of a picture that lies in the export's own folder, None where there is none of that name.
    Raises BadCocoError.
    """
    images, annotations, categories = (
        _list(document, key) for key in ("images", "annotations", "categories")
    )
    problems: list[str] = []
    classes = _by_id(categories, "category", problems)
    boxes = _by_image(annotations, _by_id(images, "image", problems), classes, problems)
    in_shares = _are_shares(annotations, problems)
    made = [_row(image, boxes, classes, in_shares, (address, beside), problems) for image in images]
    if problems:
        more = len(problems) - PROBLEMS_TOLD
        raise BadCocoError(" ".join(problems[:PROBLEMS_TOLD]) + (f" And {more} more." if more > 0 else ""))
    if not annotations:
        raise BadCocoError(
            f"It has {len(images)} images and no annotation, so there is nothing to learn from."
        )
    return made


def _list(document: Any, key: str) -> list[dict[str, Any]]:
    found = document.get(key) if isinstance(document, Mapping) else None
    if not isinstance(found, list) or not all(isinstance(entry, Mapping) for entry in found):
        raise BadCocoError(f"It is not COCO: the list “{key}” is missing.")
    return found


def _by_id(
    entries: Sequence[Mapping[str, Any]], kind: str, problems: list[str]
) -> dict[Any, Mapping[str, Any]]:
    found: dict[Any, Mapping[str, Any]] = {}
    for entry in entries:
        number = entry.get("id")
        if not isinstance(number, int | str):
            problems.append(f"A {kind} has no id.")
        elif number in found:
            problems.append(f"Two entries of {kind} have the id {number}.")
        else:
            found[number] = entry
    return found


def _by_image(
    annotations: Sequence[Mapping[str, Any]],
    images: Mapping[Any, Any],
    classes: Mapping[Any, Any],
    problems: list[str],
) -> dict[Any, list[Mapping[str, Any]]]:
    found: dict[Any, list[Mapping[str, Any]]] = {}
    for annotation in annotations:
        image, category = annotation.get("image_id"), annotation.get("category_id")
        if not isinstance(image, int | str) or image not in images:
            problems.append(f"{_named(annotation)} belongs to image {image}, which is not listed.")
        elif not isinstance(category, int | str) or category not in classes:
            problems.append(f"{_named(annotation)} has category {category}, which is not listed.")
        elif not classes[category].get("name"):
            problems.append(f"Category {category} has no name.")
        else:
            found.setdefault(image, []).append(annotation)
    return found


def _are_shares(annotations: Sequence[Mapping[str, Any]], problems: list[str]) -> bool:
    """Whether the file's boxes are shares of the picture. One that seems to be the other kind is a problem."""
    kinds: dict[bool, list[Mapping[str, Any]]] = {True: [], False: []}
    for annotation in annotations:
        if (box := _numbers(annotation)) is not None:
            kinds[max(box) < LARGEST_SHARE].append(annotation)
    shares = len(kinds[True]) >= len(kinds[False])
    if odd := kinds[not shares]:
        told = "pixels" if shares else "shares of the picture"
        rest = "shares of the picture" if shares else "pixels"
        problems.append(f"{_named(odd[0])} seems to be in {told}, though most boxes are in {rest}.")
    return shares


def _row(
    image: Mapping[str, Any],
    boxes: Mapping[Any, list[Mapping[str, Any]]],
    classes: Mapping[Any, Mapping[str, Any]],
    in_shares: bool,
    places: tuple[Address, Callable[[str], str | None]],
    problems: list[str],
) -> dict[str, Any]:
    name = str(image.get("file_name") or f"image {image.get('id')}")
    url = _address(image, *places)
    if not url:
        problems.append(
            f"{name} is in no datastore: its coco_url is not AmlDatastore://… or azureml://…, "
            "and no such file lies beside the COCO file."
        )
    size = _size(image)
    if size is None and not in_shares and boxes.get(image.get("id")):
        problems.append(f"{name} has no width and height, which its boxes in pixels need.")
    label = [
        made
        for box in boxes.get(image.get("id"), [])
        if (made := _label(box, classes, (1, 1) if in_shares else size, name, problems))
    ]
    details = {"format": PurePosixPath(name).suffix.lstrip(".").lower() or "jpg"}
    row: dict[str, Any] = {"image_url": url, "image_details": details, "label": label}
    if size:
        row["image_details"] |= {"width": round(size[0]), "height": round(size[1])}
    return row


def _address(image: Mapping[str, Any], address: Address, beside: Callable[[str], str | None]) -> str | None:
    given = str(image.get("coco_url") or "")
    if found := _OLD_ADDRESS.fullmatch(given):
        return address(found["store"], found["path"])
    if given.startswith("azureml://"):
        return given
    return beside(str(image.get("file_name") or ""))


def _size(image: Mapping[str, Any]) -> tuple[float, float] | None:
    try:
        width, height = float(image["width"]), float(image["height"])
    except (KeyError, TypeError, ValueError):
        return None
    return (width, height) if width > 0 and height > 0 else None


def _label(
    annotation: Mapping[str, Any],
    classes: Mapping[Any, Mapping[str, Any]],
    size: tuple[float, float] | None,
    name: str,
    problems: list[str],
) -> dict[str, Any] | None:
    box = _numbers(annotation)
    if box is None:
        problems.append(f"{_named(annotation)} on {name} has no bbox of four numbers.")
        return None
    if size is None:
        return None
    left, top = box[0] / size[0], box[1] / size[1]
    right, bottom = _within(left + box[2] / size[0]), _within(top + box[3] / size[1])
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        problems.append(f"{_named(annotation)} on {name} is empty or reaches beyond the picture.")
        return None
    return {
        "label": str(classes[annotation["category_id"]]["name"]),
        "topX": left,
        "topY": top,
        "bottomX": right,
        "bottomY": bottom,
        "isCrowd": int(bool(annotation.get("iscrowd"))),
    }


def _numbers(annotation: Mapping[str, Any]) -> tuple[float, float, float, float] | None:
    box = annotation.get("bbox")
    if not isinstance(box, list) or len(box) != 4:
        return None
    if not all(isinstance(edge, int | float) and edge == edge and abs(edge) != float("inf") for edge in box):
        return None
    left, top, width, height = map(float, box)
    return left, top, width, height


def _within(edge: float) -> float:
    """An edge on the border, which adding left and width may have put a hair beyond it."""
    return 1.0 if 1 < edge < 1 + HAIR else edge


def _named(annotation: Mapping[str, Any]) -> str:
    return f"Box {annotation.get('id')}"
