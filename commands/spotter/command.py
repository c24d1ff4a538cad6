"""The command and its answer. People are shown what they may run; the rest is named with the role it needs."""

from commands.kit.blocks import Block, Message, context, header, section
from commands.kit.command import Answer, Asked, Command, OpenForm, Reply
from commands.kit.errors import UserError
from commands.kit.forms import told
from commands.kit.health import SLACK
from commands.kit.people import FRESH, Unanswered
from commands.kit.services import Services
from commands.kit.words import code, count, duration, esc
from infra.http.errors import Throttled, Unavailable
from storage import catalog, deployments, publishes, runs

spotter = Command("/spotter", role="view", summary="Help, how things stand, and who may do what")


@spotter.run
def show(args: None, asked: Asked, services: Services) -> Reply:
    may: list[Command] = []
    may_not: list[Command] = []
    unknown = False
    for command in services.commands:
        try:
            (may if services.people.may(asked.person, command.role) else may_not).append(command)
        except UserError:
            unknown = True
            may_not.append(command)
    blocks: list[Block] = [header("What Spotter can do for you")]
    blocks.append(section("\n".join(f"{code(command.usage)}  {esc(command.summary)}" for command in may)))
    if may_not:
        names = ", ".join(f"{code(command.name)} (role {command.role})" for command in may_not)
        blocks.append(section(f"Not for you, as your roles stand: {names}"))
    if unknown:
        blocks.append(
            section(":warning: Slack did not say who is in the groups, so some roles are not known now.")
        )
    blocks.append(section(standing(services)))
    blocks.append(context("In a thread, where slash commands do not work, mention Spotter: `@Spotter runs`."))
    return Reply(Message("What Spotter can do for you.", blocks))


@spotter.action("form")
def open_form(value: str, asked: Asked, services: Services) -> Answer:
    """The button that stands in for a form where one could not be opened at once."""
    name = told(value).get("command")
    forms = [form for command in services.commands for form in (command, *command.dialogs) if form.fields]
    command = next((form for form in forms if form.name == name), None)
    if command is None:
        raise UserError("That form does not exist any more.", "Type /spotter to see what there is.")
    services.people.require(asked.person, command.role)
    return OpenForm(command, told(value, "values"))


@spotter.follow("roles", every=lambda policy: FRESH.total_seconds() * 0.6, service=SLACK, everywhere=True)
def keep_roles_fresh(services: Services) -> None:
    """People who act should not wait for Slack to list a group."""
    try:
        services.people.refresh()
    except Unanswered as unknown:
        if unknown.rest_asked is None:
            raise Unavailable(unknown.problem) from unknown
        raise Throttled(unknown.problem, retry_after=unknown.rest_asked) from unknown


def standing(services: Services) -> str:
    """How things stand, in mrkdwn."""
    now = services.clock.now()
    with services.store.read() as tx:
        rollouts = deployments.in_states(tx, deployments.UNDER_WAY, evidence=False)
        running = len(runs.open_briefly(tx)) + len(publishes.open_runs(tx)) + len(rollouts)
        known = catalog.count_exports(tx)
    troubles = services.health.troubles()
    facts = (
        f"{running} running, {count(known, 'labeling export')} known. {esc(services.health.part())}".strip()
    )
    if not troubles:
        return f":white_check_mark: All is well. {facts}"
    lines = [
        f":warning: {esc(each.service)}: {esc(each.reason)} (for {duration(now - each.since)})"
        for each in troubles
    ]
    return "\n".join([*lines, facts])
