from .refusal import Json
from .workspace import random_id


def check_message(blocks: list[Json]) -> None:
    fill_ids(blocks)


def check_view(view: Json) -> None:
    fill_ids(view["blocks"])


def fill_ids(blocks: list[Json]) -> None:
    for block in blocks:
        block.setdefault("block_id", random_id())


def valid_options(answer: Json) -> bool:
    return "options" in answer or "option_groups" in answer
