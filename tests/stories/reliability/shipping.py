"""What people do with models on lines: flows of a rollout and its way back."""

from sandbox.people import Message, Person
from tests.stories.deploying import MODEL
from tests.stories.reliability.flows import ENDURES, Flow, Player


def asks_to_deploy(player: Player, reason: str) -> str:
    """The request's id, once it waits for approvers."""
    query = "SELECT id FROM deployments WHERE reason = :reason"
    player.does(
        lambda: player.stage.trainer.types(f"/deploy {MODEL}:2 line-1 '{reason}'"),
        lambda: player.sql(query, reason=reason),
    )
    player.until("SELECT state = 'waiting' FROM deployments WHERE reason = :reason", reason=reason)
    return str(player.sql(query, reason=reason))


def _deploy(player: Player, reason: str, _: object) -> None:
    request = asks_to_deploy(player, reason)
    card = player.stage.line.shows(rf"Put {MODEL} v2 on line-1\?[\s\S]*{reason}", ENDURES)
    for role in ("first_approver", "second_approver"):
        _approves(player, player.stage.people[role], request, card)
    player.until("SELECT state IN ('shipped', 'rolled_back') FROM deployments WHERE id = :it", it=request)
    outcome = player.sql("SELECT outcome FROM deployments WHERE id = :it AND state != 'shipped'", it=request)
    assert not outcome, outcome


def _approves(player: Player, approver: Person, request: str, card: Message) -> None:
    said = "SELECT 1 FROM decisions WHERE deployment_id = :request AND person = :person"
    player.does(
        lambda: approver.clicks("Approve v2", on=card.refresh()),
        lambda: player.sql(said, request=request, person=approver.id),
    )


def _is_there(player: Player, reason: str) -> Message:
    """The card of the request that is on all devices; makes one where there is none.

    By its id, for digests speak of it too, and cards of earlier ones say so until Slack has taken what came after.
    """
    shipped = "SELECT id FROM deployments WHERE state = 'shipped'"
    if not player.sql(shipped):
        _deploy(player, reason, None)
    return player.stage.line.shows(rf"on line-1: on all devices[\s\S]*{player.sql(shipped)}", ENDURES)


def _is_not_there(player: Player, reason: str) -> None:
    if player.sql("SELECT count(*) FROM deployments WHERE state = 'shipped'"):
        _roll_back(player, reason, _is_there(player, reason))


def _roll_back(player: Player, _reason: str, card: Message) -> None:
    open_ = "SELECT count(*) FROM deployments WHERE state = 'shipped'"
    player.does(
        lambda: player.stage.trainer.clicks("Roll back", on=card.refresh()), lambda: not player.sql(open_)
    )
    player.until("SELECT count(*) = 0 FROM deployments WHERE state = 'rolling_back'")


SHIPPING = (Flow("deploy", _deploy, _is_not_there), Flow("rollback", _roll_back, _is_there))
