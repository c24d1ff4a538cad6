"""Whatever there is to tell, and however much of it, a digest stays within Slack's limits and mentions no one."""

from hypothesis import given
from hypothesis import strategies as st

from commands.digest import lines
from commands.digest.content import Content
from commands.digest.lines import Ended, Line
from commands.digest.listing import Listed, channel
from commands.digest.messages import Occasion, details, digest
from commands.kit import schedule
from commands.kit.words import esc
from storage import deployments, labels
from storage.catalog import Registered
from storage.deployments import Decision, Deployment, Override, Unanswered
from storage.digests import Digest, Firing
from storage.labels import LabelExport, Preparation
from storage.runs import EndedRun, OpenRun
from tests.commands.test_messages import (
    NOW,
    accepted,
    failures,
    models,
    moments,
    mrkdwn_of,
    names,
    publish_runs,
    runs,
)

MOST_IN_A_MESSAGE = 13_000
counts = st.sampled_from([0, 1, 3, 4, 5, 40, 250])
rollouts = st.builds(
    Deployment,
    id=names,
    request_id=st.just("r"),
    state=st.sampled_from([*deployments.OPEN, *deployments.ENDED]),
    target=st.from_regex(r"[a-z0-9][a-z0-9-]{0,31}", fullmatch=True),
    model_name=names,
    model_version=st.integers(1, 10**9),
    reason=names,
    requested_by=st.just("U0TRAINER1"),
    requested_by_name=names,
    channel=st.just("C0LINEVIS1"),
    requested_at=moments,
    expires_at=moments,
    approvals_needed=st.integers(1, 10),
    rings=st.none() | st.just([{"name": "canary", "state": "baking"}]),
    waiting=st.none() | names,
    outcome=st.none() | names,
    rollback_reason=st.none() | names,
    trouble=st.none() | names,
)
asked = {
    "requested_by": st.just("U0TRAINER1"),
    "requested_by_name": names,
    "channel": st.just("C0LINEVIS1"),
    "requested_at": moments,
    "failure": failures,
}
label_exports = st.builds(
    LabelExport, id=names, state=st.just("failed"), project=names, title=names, labelled=st.just(3),
    export_name=st.none() | names, **asked,
)  # fmt: skip
preparations = st.builds(
    Preparation, id=names, state=st.sampled_from(labels.PREPARING), export_name=names, export_version=names,
    export_uri=names, target=names, cluster=names, **asked,
)  # fmt: skip
trainings: st.SearchStrategy[OpenRun] = runs().map(
    lambda run: OpenRun(run.id, run.model_name, run.requested_at, run.waiting, run.trouble)
)
outcomes = runs().map(
    lambda run: EndedRun(
        run.id, run.state, run.model_name, run.requested_at, run.registered_version, run.failure, None, None
    )
)
records: st.SearchStrategy[Ended] = st.one_of(outcomes, publish_runs(), rollouts, label_exports, preparations)
overrides = st.builds(
    Override,
    st.builds(Decision, names, st.just("U0APPROVE1"), names, st.just("override"), names, names, moments),
    rollouts,
)
needs = st.one_of(
    rollouts.map(lambda each: lines.unanswered(Unanswered(each, each.requested_at, 1, 2), NOW)),
    records.map(lines.failed),
    st.one_of(trainings, publish_runs(), rollouts).map(lambda each: lines.stuck(each, NOW)),
    overrides.map(lines.overridden),
)
running = st.one_of(runs(), publish_runs(), rollouts, label_exports, preparations).map(
    lambda each: lines.running(each, NOW)
)
occasions = st.builds(
    Occasion,
    schedule=st.none() | st.sampled_from(["weekdays at 8:30", "*/15 8-17 * 1-3 1-5"]).map(schedule.parse),
    zone=st.just("America/Argentina/ComodRivadavia"),
    next_at=st.none() | moments,
    due_at=st.none() | moments,
    skipped=st.integers(0, 1000),
)


ended = st.one_of(
    records.map(lambda each: lines.ended(each, {})),
    st.builds(
        lambda each, figure: lines.ended(each, {each.id: figure}), records, st.none() | st.floats(0, 1)
    ),
    models()
    .map(lambda row: Registered(row.name, row.version, row.mean_average_precision, row.run_id))
    .map(lines.by_hand),
)
shares = names.map(lambda name: Line(name, f"*line-1*: {esc(name)} v3 on 2 devices"))


def many(one: st.SearchStrategy[Line]) -> st.SearchStrategy[list[Line]]:
    """Few different ones, and as many of them as there may be."""
    return st.tuples(st.lists(one, min_size=1, max_size=2), counts).map(
        lambda drawn: (drawn[0] * drawn[1])[: drawn[1]]
    )


contents = st.builds(Content, moments, st.just(NOW), many(needs), many(running), many(ended), many(shares))


@given(contents, occasions)
def test_any_digest_is_accepted_by_slack(content: Content, occasion: Occasion) -> None:
    short, more = digest(content, occasion), details(content)
    assert len(short.blocks) <= 10
    for told in (short, more) if more else (short,):
        accepted(told)
        assert sum(map(len, mrkdwn_of(told.content()["blocks"]))) < MOST_IN_A_MESSAGE


@given(
    st.lists(
        st.builds(
            Listed,
            st.builds(
                Digest,
                id=st.uuids().map(str),
                channel=st.just("C0LINEVIS1"),
                cron=st.sampled_from(["30 8 * * 1-5", "*/15 8-17 * 1-3 1-5"]),
                zone=st.just("America/Argentina/ComodRivadavia"),
                quiet=st.booleans(),
                created_by=st.just("U0TRAINER1"),
                created_by_name=names,
                created_at=moments,
                next_at=st.none() | moments,
                state=st.sampled_from(["on", "paused"]),
            ),
            st.none() | st.builds(Firing, st.just("d"), moments, st.just("sent"), moments),
            st.integers(0, 1000),
            st.integers(0, 1000),
        ),
        max_size=40,
    )
)
def test_any_list_of_digests_is_accepted_by_slack(listed: list[Listed]) -> None:
    accepted(channel(listed))
