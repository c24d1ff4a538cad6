"""Blocks: what Slack takes, and in which words it refuses the rest."""

from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    CardBlock,
    CheckboxesElement,
    ConfirmObject,
    ContainerBlock,
    ContextBlock,
    DatePickerElement,
    DividerBlock,
    ExternalDataSelectElement,
    HeaderBlock,
    ImageBlock,
    InputBlock,
    MarkdownBlock,
    MarkdownTextObject,
    NumberInputElement,
    Option,
    OverflowMenuElement,
    PlainTextInputElement,
    RadioButtonsElement,
    RichTextBlock,
    RichTextElementParts,
    RichTextSectionElement,
    SectionBlock,
    StaticSelectElement,
    TableBlock,
)
from slack_sdk.models.views import View

from .test_slack_web_api import LINE, refusal

Json = dict[str, Any]
OPTIONS = [Option(text="One", value="1"), Option(text="Two", value="2")]


def section(text: str = "hello", **more: Any) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **more}


def button(text: str = "Go", **more: Any) -> Json:
    return {"type": "button", "text": {"type": "plain_text", "text": text}, **more}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def cell(text: str) -> Json:
    return {"type": "raw_text", "text": text}


def line_chart(**changed: Any) -> Json:
    chart: Json = {
        "type": "line",
        "series": [{"name": "mAP", "data": [{"label": "v1", "value": 0.7}, {"label": "v2", "value": 0.8}]}],
        "axis_config": {"categories": ["v1", "v2"], "x_label": "Version", "y_label": "mAP"},
    }
    return {"type": "data_visualization", "title": "mAP by version", "chart": chart | changed}


def data_table(rows: int) -> Json:
    return {"type": "data_table", "caption": "Runs", "rows": [[cell("Run"), cell("mAP")]] * rows}


def test_what_the_sdk_builds_is_taken_and_completed(web: WebClient) -> None:
    words = RichTextSectionElement(elements=[RichTextElementParts.Text(text="hi", style={"bold": True})])
    blocks: list[Json | Block] = [
        HeaderBlock(text="Line 3"),
        SectionBlock(
            text="*bold*", accessory=ButtonElement(text="Open", url="https://example.com", action_id="o")
        ),
        SectionBlock(fields=["one", "two"]),
        DividerBlock(),
        ContextBlock(elements=[MarkdownTextObject(text="footnote")]),
        ImageBlock(image_url="https://example.com/a.png", alt_text="a trend"),
        RichTextBlock(elements=[words]),
        MarkdownBlock(text="## Heading"),
        ActionsBlock(
            elements=[
                ButtonElement(
                    text="Cancel",
                    action_id="c",
                    style="danger",
                    value="1",
                    confirm=ConfirmObject(title="Sure?", text="It stops.", confirm="Yes", deny="No"),
                ),
                OverflowMenuElement(options=OPTIONS, action_id="more"),
                StaticSelectElement(placeholder="Pick", options=OPTIONS, action_id="s"),
                DatePickerElement(action_id="d", initial_date="2026-11-22"),
                RadioButtonsElement(options=OPTIONS, action_id="r"),
                CheckboxesElement(options=OPTIONS, initial_options=OPTIONS[:1], action_id="k"),
            ]
        ),
        TableBlock(rows=[[cell("Metric"), cell("v2")], [cell("mAP"), cell("0.81")]]),
        ContainerBlock(title="Gates", child_blocks=[section()], is_collapsible=True),
        CardBlock(title=MarkdownTextObject(text="v12")),
        line_chart(),
    ]
    posted = web.chat_postMessage(channel=LINE, text="x", blocks=blocks)["message"]["blocks"]
    assert [block["type"] for block in posted] == [
        block["type"] if isinstance(block, dict) else block.type for block in blocks
    ]
    assert all(block["block_id"] for block in posted)
    assert posted[0]["text"] == {"type": "plain_text", "text": "Line 3", "emoji": True}
    assert posted[4]["elements"] == [{"type": "mrkdwn", "text": "footnote", "verbatim": False}]


@pytest.mark.parametrize(
    ("block", "problem"),
    [
        ({"type": "sparkline"}, "unsupported type: sparkline [json-pointer:/blocks/0/type]"),
        ({"text": "x"}, "missing required field: type [json-pointer:/blocks/0]"),
        ("x", "must provide an object [json-pointer:/blocks/0]"),
        (
            {"type": "divider", "text": "x"},
            "invalid additional property: text [json-pointer:/blocks/0]",
        ),
        (section("x" * 3001), "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"),
        (section(""), "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
        ({"type": "section"}, "must define either `text` or `fields` [json-pointer:/blocks/0/type]"),
        (
            {"type": "section", "fields": [{"type": "mrkdwn", "text": "x"}] * 11},
            "no more than 10 items allowed [json-pointer:/blocks/0/fields]",
        ),
        (
            {"type": "header", "text": {"type": "mrkdwn", "text": "x"}},
            "must be a valid enum value [json-pointer:/blocks/0/text/type]",
        ),
        (
            {"type": "header", "text": {"type": "plain_text", "text": "x" * 151}},
            "must be less than 151 characters [json-pointer:/blocks/0/text/text]",
        ),
        (
            {"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}] * 11},
            "no more than 10 items allowed [json-pointer:/blocks/0/elements]",
        ),
        (actions(), "must provide at least 1 items [json-pointer:/blocks/0/elements]"),
        (
            actions(*[button()] * 26),
            "no more than 25 items allowed [json-pointer:/blocks/0/elements]",
        ),
        (
            actions(button("x" * 76)),
            "must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]",
        ),
        (
            actions(button(value="x" * 2001)),
            "must be less than 2001 characters [json-pointer:/blocks/0/elements/0/value]",
        ),
        (
            actions(button(style="loud")),
            "must be a valid enum value [json-pointer:/blocks/0/elements/0/style]",
        ),
        (
            actions({"type": "plain_text_input", "action_id": "a"}),
            "unsupported type: plain_text_input [json-pointer:/blocks/0/elements/0/type]",
        ),
        (
            actions(button(action_id="vote"), button(action_id="vote")),
            '`action_id` "vote" already exists [json-pointer:/blocks/0/elements/1/action_id]',
        ),
        (
            InputBlock(label="Name", element=PlainTextInputElement()).to_dict(),
            "unsupported type: input [json-pointer:/blocks/0/type]",
        ),
        (
            {"type": "alert", "text": {"type": "mrkdwn", "text": "x"}},
            "unsupported type: alert [json-pointer:/blocks/0/type]",
        ),
        (
            {"type": "image", "alt_text": "x"},
            "must define either `image_url` or `slack_file` [json-pointer:/blocks/0]",
        ),
        (
            {"type": "table", "rows": [[cell("")]]},
            "must be more than 0 characters [json-pointer:/blocks/0/rows/0/0/text]",
        ),
        (
            {"type": "table", "rows": [[cell("x")]] * 101},
            "no more than 100 items allowed [json-pointer:/blocks/0/rows]",
        ),
        (
            {"type": "table", "rows": [[cell("x" * 5001)], [cell("x" * 5000)]]},
            "must be less than 10001 characters over all cells [json-pointer:/blocks/0/rows]",
        ),
        (data_table(1), "must provide at least 2 items [json-pointer:/blocks/0/rows]"),
        (
            line_chart(axis_config={"categories": ["v1"]}),
            "must provide exactly one data point for each category [json-pointer:/blocks/0/chart/series/0/data]",
        ),
        (
            line_chart(type="radar"),
            "unsupported type: radar [json-pointer:/blocks/0/chart/type]",
        ),
        (
            {"type": "task_card", "task_id": "1", "title": "x", "status": "pending"},
            "must be a valid enum value [json-pointer:/blocks/0/status]",
        ),
        (
            {"type": "card", "title": "v12"},
            "must provide an object [json-pointer:/blocks/0/title]",
        ),
        (
            {
                "type": "container",
                "title": {"type": "plain_text", "text": "x"},
                "child_blocks": [line_chart()],
            },
            "unsupported type: data_visualization [json-pointer:/blocks/0/child_blocks/0/type]",
        ),
    ],
)
def test_a_wrong_block_is_refused_with_a_pointer_to_it(web: WebClient, block: Any, problem: str) -> None:
    body = refusal(web.chat_postMessage, channel=LINE, text="x", blocks=[block])
    assert (body["error"], body["errors"][0]) == ("invalid_blocks", problem)
    assert body["response_metadata"]["messages"][0] == f"[ERROR] {problem}"
    assert web.conversations_history(channel=LINE)["messages"] == []


@pytest.mark.parametrize(
    ("blocks", "problem"),
    [
        ([{"type": "divider"}] * 51, "no more than 50 items allowed [json-pointer:/blocks]"),
        ([line_chart()] * 3, "no more than 2 `data_visualization` blocks allowed [json-pointer:/blocks]"),
        (
            [{"type": "table", "rows": [[cell("x")]]}] * 2,
            "no more than 1 `table` blocks allowed [json-pointer:/blocks]",
        ),
        (
            [section(block_id="same"), section(block_id="same")],
            '`block_id` "same" already exists [json-pointer:/blocks/1/block_id]',
        ),
        (
            [{"type": "markdown", "text": "x" * 6001}] * 2,
            "must be less than 12001 characters over all `markdown` blocks [json-pointer:/blocks]",
        ),
    ],
)
def test_limits_of_a_whole_message(web: WebClient, blocks: list[Json], problem: str) -> None:
    body = refusal(web.chat_postMessage, channel=LINE, text="x", blocks=blocks)
    assert body["errors"] == [problem]


def test_blocks_that_are_no_json_list(web: WebClient) -> None:
    for blocks in ("{", "{}"):
        body = refusal(
            web.api_call, "chat.postMessage", params={"channel": LINE, "text": "x", "blocks": blocks}
        )
        assert body["error"] == "invalid_blocks_format"


def home(*blocks: Json, **more: Any) -> Json:
    return {"type": "home", "blocks": list(blocks), **more}


def name_input(**element: Any) -> Json:
    label = {"type": "plain_text", "text": "Name"}
    return {"type": "input", "label": label, "element": {"type": "plain_text_input", **element}}


@pytest.mark.parametrize(
    ("view", "problem"),
    [
        (home(line_chart()), "unsupported type: data_visualization [json-pointer:/view/blocks/0/type]"),
        (
            home(*[section() for _ in range(101)]),
            "no more than 100 items allowed [json-pointer:/view/blocks]",
        ),
        (
            home(private_metadata="x" * 3001),
            "must be less than 3001 characters [json-pointer:/view/private_metadata]",
        ),
        (
            home(title={"type": "plain_text", "text": "x"}),
            "invalid additional property: title [json-pointer:/view]",
        ),
        (
            home(name_input(focus_on_load=True), name_input(focus_on_load=True)),
            "only one element may have `focus_on_load` [json-pointer:/view/blocks]",
        ),
        (
            home(actions({"type": "static_select", "options": []})),
            "must provide at least 1 items [json-pointer:/view/blocks/0/elements/0/options]",
        ),
        (
            home(
                actions(
                    {
                        "type": "static_select",
                        "options": [OPTIONS[0].to_dict()],
                        "initial_option": OPTIONS[1].to_dict(),
                    }
                )
            ),
            "must be one of the provided options [json-pointer:/view/blocks/0/elements/0/initial_option]",
        ),
        ({"type": "page", "blocks": []}, "unsupported type: page [json-pointer:/view/type]"),
    ],
)
def test_a_wrong_view_is_an_invalid_argument(web: WebClient, view: Json, problem: str) -> None:
    body = refusal(web.views_publish, user_id="U0TRAINER1", view=view)
    assert (body["error"], body["response_metadata"]["messages"]) == (
        "invalid_arguments",
        [f"[ERROR] {problem}"],
    )


def test_a_home_with_every_input_is_taken(web: WebClient) -> None:
    elements = [
        PlainTextInputElement(multiline=True, min_length=1, max_length=30),
        NumberInputElement(is_decimal_allowed=True, min_value="0.1"),
        ExternalDataSelectElement(min_query_length=0, initial_option=OPTIONS[0]),
        StaticSelectElement(options=OPTIONS),
    ]
    blocks = [InputBlock(label=str(index), element=e) for index, e in enumerate(elements)]
    view = View(type="home", blocks=blocks, callback_id="home")
    published = web.views_publish(user_id="U0TRAINER1", view=view)["view"]
    assert all(block["element"]["action_id"] for block in published["blocks"])
