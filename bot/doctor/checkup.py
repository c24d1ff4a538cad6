"""Runs all checks at once, so that a service that hangs holds up nothing but what needs it, and not for long."""

import threading
import time
from collections.abc import Sequence

from bot.doctor.finding import Check, Finding, Service, Verdict, skipped, unknown
from commands.kit.errors import UserError

PATIENCE = 15.0
ENOUGH = ("ok", "warning")


def examine(services: Sequence[Service], patience: float) -> list[Finding]:
    """What each check found, in order. Takes at most `patience` seconds; then threads may be left behind, hanging."""
    until = time.monotonic() + patience
    under_way: list[tuple[Service, _Examination]] = []
    for service in services:
        known: dict[str, _Examination] = {}
        for check in service.checks:
            known[check.key] = _Examination(check, service, known.get(check.needs))
        under_way += [(service, examination) for examination in known.values()]
    return [
        Finding(service.key, each.check.key, each.check.name, each.verdict(until, patience))
        for service, each in under_way
    ]


class _Examination:
    """One check in a thread of its own, which waits for what it needs."""

    def __init__(self, check: Check, service: Service, needed: "_Examination | None") -> None:
        self.check = check
        self._service = service
        self._needed = needed
        self._found: Verdict | None = None
        self._done = threading.Event()
        threading.Thread(target=self._run, name=check.key, daemon=True).start()

    def verdict(self, until: float, patience: float) -> Verdict:
        if self._done.wait(max(0.0, until - time.monotonic())) and self._found:
            return self._found
        if self._needed and not self._needed._done.is_set():
            return _not_reached(self._needed.check)
        return unknown(
            f"There was no answer within {patience:g} seconds.",
            f"See whether {self._service.title} can be reached from here, then look again.",
        )

    def _run(self) -> None:
        self._found = self._look()
        self._done.set()

    def _look(self) -> Verdict:
        if self._needed:
            self._needed._done.wait()
            found = self._needed._found
            if found is None or found.state not in ENOUGH:
                return _not_reached(self._needed.check)
        try:
            return self.check.look()
        except UserError as told:
            return Verdict("problem", told.problem, told.next_step)
        except Exception as fault:  # whatever one check runs into, the others are told
            return self._service.explain(fault) or unknown(
                f"The check itself failed: {type(fault).__name__}: {fault}", "Please report this."
            )


def _not_reached(needed: Check) -> Verdict:
    return skipped(f"Not looked at: first comes “{needed.name}”.")
