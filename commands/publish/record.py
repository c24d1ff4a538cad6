"""Changes the record of a publish run; its message and its audit row go into the same transaction."""

from typing import Any

from commands.kit.services import Services
from commands.publish.show import show_publish
from infra.devops.runs import Run
from storage import audit, publishes
from storage.publishes import PublishRun


def change(run: PublishRun, services: Services, *, action: str | None = None, **columns: Any) -> PublishRun:
    """The run as it is after the change; `action` names what the audit trail says of it."""
    if action is None and all(getattr(run, name) == value for name, value in columns.items()):
        return run
    with services.store.write() as tx:
        run = publishes.change(tx, run.id, **columns)
        if action:
            audit.record(
                tx,
                at=services.clock.now(),
                actor="spotter",
                action=action,
                subject=run.id,
                run=run.run_id,
                commit=run.commit_id,
                failure=(run.failure or {}).get("cause"),
                version=run.version,
            )
        show_publish(tx, run, services)
    return run


def end(run: PublishRun, state: str, services: Services, **columns: Any) -> None:
    ended = {"ended_at": run.ended_at or services.clock.now(), "waiting": None, "trouble": None}
    change(run, services, action=f"publish.{state}", state=state, **{**ended, **columns})


def adopt(run: PublishRun, there: Run, services: Services) -> PublishRun:
    """This is the run that was asked for: queued just now, or found after its answer was lost."""
    return change(
        run, services, action="publish.queue", state="queued", **facts_of(there, run, services), **UNTROUBLED
    )


UNTROUBLED: dict[str, Any] = {
    "ended_at": None,
    "failure": None,
    "trouble": None,
    "tries": 0,
    "next_try_at": None,
}


def facts_of(there: Run, run: PublishRun, services: Services) -> dict[str, Any]:
    """What a record keeps of a run as DevOps tells it; the words of its commit as far as they were read."""
    return {
        "run_id": there.id,
        "run_name": there.name,
        "run_url": there.web_url,
        "reason": there.reason,
        "queued_at": there.queued_at,
        "status": there.status,
        **_commit(there.commit, run, services),
    }


def _commit(commit_id: str, run: PublishRun, services: Services) -> dict[str, Any]:
    if not commit_id or (commit_id == run.commit_id and run.commit_title is not None):
        return {}
    with services.store.read() as tx:
        branch = publishes.get_branch(tx, run.branch)
    words = branch if branch and branch.commit_id == commit_id else None
    return {
        "commit_id": commit_id,
        "commit_title": words.commit_title if words else None,
        "commit_author": words.commit_author if words else None,
        "commit_at": words.commit_at if words else None,
    }


def gone_for_long(run: PublishRun, services: Services) -> bool:
    """What is missing now and then is not lost: lists lag, and a 404 may be a fault of the moment."""
    now = services.clock.now()
    if run.missing_since is None:
        change(run, services, missing_since=now)
        return False
    return now - run.missing_since > services.policy.pace.settling
