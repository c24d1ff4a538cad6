"""The composition root: everything is built here, from settings and policy, and passed down."""

import asyncio
import logging
import os
import socket
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import structlog
from pydantic import SecretStr
from slack_bolt import App
from slack_sdk import WebClient

from bot.after_ack import AfterAck
from bot.courier import Courier
from bot.dispatch import Dispatch
from bot.hooks import Hooks
from bot.http import Inside
from bot.leader import Leader
from bot.pacer import Pacer
from bot.settings import Settings
from bot.watchdog import Watchdog
from commands import rooms
from commands.kit.clock import Clock
from commands.kit.command import COURIER, PEOPLE
from commands.kit.health import Health
from commands.kit.people import Directory
from commands.kit.policy import Policy
from commands.kit.services import Services
from infra.azureml.workspace import Workspace
from infra.devops.project import Project
from infra.iothub.hub import Hub
from storage import migrate
from storage.database import Store
from storage.leases import Lease

log = structlog.get_logger("spotter")
WORKING, CHECKING = 32, 16
POOLS_SECONDS = 5.0  # in which what they do ends when Spotter stops; it is looked for after the next start
SLACK_TIMEOUT = 10
PEOPLE_FIRST = 0.25  # seconds, in which followers do not want the interpreter for their first looks outside


class Spotter:
    """The bot behind its door, built but not started. `claimed`: its database is, by whoever builds it."""

    def __init__(self, settings: Settings, policy: Policy, clock: Clock, *, claimed: bool = False) -> None:
        self._settings = settings
        self._store = Store(settings.store_url)
        if not claimed:
            self._store.claim()
        migrate.upgrade(self._store)
        token = settings.slack_bot_token.get_secret_value()
        # slack_sdk's default retries would post twice after a dropped connection, so there are none
        client = WebClient(token=token, base_url=settings.slack_api, timeout=SLACK_TIMEOUT, retry_handlers=[])
        # acknowledgements may have to ask for a group's members, and have three seconds in all
        patience = policy.pace.roles_seconds
        roles = WebClient(token=token, base_url=settings.slack_api, timeout=patience, retry_handlers=[])  # type: ignore[arg-type]  # seconds, of which it takes fractions
        # with connections of its own, for it must not wait for those of people
        leaders = Store(settings.store_url)
        self._lease = Lease(leaders, _name(settings), policy.pace.lease_seconds)
        health = Health(clock, self._lease)
        self._working = ThreadPoolExecutor(WORKING, thread_name_prefix="work")
        self._checking = ThreadPoolExecutor(CHECKING, thread_name_prefix="check")
        self._followers = [follower for command in rooms.ALL for follower in command.followers]
        self._watchdog = Watchdog()
        self._pacer = Pacer(self._followers, self._lease, self._watchdog)
        self._leader = Leader(
            leaders,
            self._lease,
            health,
            wake=self._wake_here,
            begin=self._begin,
            at_rest=self._at_rest,
            everywhere=[follower.name for follower in self._followers if follower.everywhere],
        )
        after = AfterAck(self._working, self._watchdog)
        bolt = App(
            name="spotter",  # else Bolt reads the source of all that is loaded to find one
            client=client,
            signing_secret=_secret(settings.slack_signing_secret),
            process_before_response=True,
            listener_executor=self._working,  # of which it makes no use, but would make one of its own
            logger=_bolt_logger(),
            token_verification_enabled=False,
        )
        alive = self._watchdog.sign_of_life
        self._services = Services(
            store=self._store,
            policy=policy,
            clock=clock,
            people=Directory(roles, policy.roles, clock),
            health=health,
            azure=Workspace.connect(settings.workspace, gate=alive),
            devops=Project.connect(settings.devops, alive) if settings.devops else None,
            hub=Hub.connect(settings.iothub_hostname, alive) if settings.iothub_hostname else None,
            wake=self._leader.wake,
            commands=rooms.ALL,
        )
        # what is done here without a person, only while this replica leads
        gate = self._watchdog.gate(self._lease.must_be_held)
        self._leading = replace(
            self._services,
            store=self._store.guarded(self._lease.fence),
            azure=Workspace.connect(settings.workspace, gate=gate),
            devops=Project.connect(settings.devops, gate) if settings.devops else None,
            hub=Hub.connect(settings.iothub_hostname, gate) if settings.iothub_hostname else None,
        )
        self._courier = Courier(self._store, client, clock, health, self._lease, self._watchdog)
        Dispatch(rooms.ALL, self._services, client).attach(bolt)
        self._dispatch = partial(after.dispatch, bolt)
        self.inside = Inside(self._dispatch, self._services, self._lease, self._hooks())

    def start(self) -> None:
        """In the event loop."""
        self._watchdog.start()
        self._leader.start()
        self._courier.start()
        asyncio.get_running_loop().call_later(PEOPLE_FIRST, self._pacer.start, self._services, self._leading)

    def stop(self, acking: Executor) -> bool:
        """Ends what is under way in the order in which it is handed on: acknowledgements, answers, followers, messages.
        False where some is stuck, in a call that hangs, and is left behind; all that must survive is stored."""
        ended = _end([acking, self._working, self._checking])
        finished = self._pacer.stop()
        self._courier.stop()
        self._leader.stop()
        self._store.close()
        self._watchdog.stop()
        return finished and ended

    def _hooks(self) -> Hooks | None:
        secret = _secret(self._settings.hooks_secret)
        if secret is None:
            return None
        return Hooks(secret, self._followers, self._services, self._working, self._checking, self._watchdog)

    def _begin(self) -> None:
        self._courier.wake()
        self._pacer.wake_all()

    def _at_rest(self) -> bool:
        return self._pacer.at_rest and self._courier.at_rest

    def _wake_here(self, name: str) -> None:
        if name == COURIER:
            self._courier.wake()
        elif name == PEOPLE:
            self._pacer.somebody_is_there()
        else:
            self._pacer.wake(name)


def _end(pools: Sequence[Executor]) -> bool:
    """Take no more work and wait for what is under way; False where some of it takes too long."""
    deadline = time.monotonic() + POOLS_SECONDS
    ending = [threading.Thread(target=pool.shutdown, daemon=True) for pool in pools]
    for thread in ending:
        thread.start()
        thread.join(max(0.0, deadline - time.monotonic()))
    return not any(thread.is_alive() for thread in ending)


def _name(settings: Settings) -> str:
    """What people know this replica by: a container's host name is its own."""
    return f"{socket.gethostname()}:{settings.port}/{os.getpid()}"


def _bolt_logger() -> logging.Logger:
    """Errors only: Bolt warns that SLACK_BOT_TOKEN is set though its client has that very token."""
    logger = logging.getLogger("bolt")
    logger.setLevel(logging.ERROR)
    return logger


def _secret(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret is not None else None
