"""All that is looked at, as far as the settings reach."""

from collections.abc import Callable
from datetime import datetime

from bot import settings
from bot.doctor.finding import Service
from bot.doctor.slack import SlackCheckup


def services(now: Callable[[], datetime]) -> list[Service]:
    return [SlackCheckup(settings.read_part(settings.SlackSettings), settings.read_policy(), now).service()]
