"""Block Kit as Slack checks it: https://docs.slack.dev/reference/block-kit and what live workspaces answered."""

from .check import check_message, check_view, valid_options

__all__ = ["check_message", "check_view", "valid_options"]
