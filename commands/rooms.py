"""The list of all rooms."""

from commands.deploy import deploy
from commands.digest import digest
from commands.exports import exports
from commands.kit.command import Command
from commands.models import models
from commands.publish import publish
from commands.runs import runs
from commands.spotter import spotter
from commands.train import train

ALL: list[Command] = [train, runs, models, exports, publish, deploy, digest, spotter]
