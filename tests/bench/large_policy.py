"""What the policy file of a large user says: its channels, their digests, and the targets."""

CHANNELS, TARGETS = 200, 50
A_DIGEST_EVERY = 24 * 60 // CHANNELS  # minutes, so that each moment has as many
POLICY = """
[channels]
models = "C0TEAM000"

[roles]
train = "everyone"
publish = "everyone"
deploy = "everyone"
approve = ["S0APPROVERS"]
"""
A_DIGEST = """
[[digests]]
name = "team-{number}"
channel = "C0TEAM{number:03}"
when = "every day at {hour}:{minute:02}"
"""
A_TARGET = """
[targets.line-{number}]
channel = "C0TEAM{number:03}"
approvers = ["S0APPROVERS"]
"""


def policy_file() -> str:
    digests = (
        A_DIGEST.format(number=number, hour=at // 60, minute=at % 60)
        for number, at in enumerate(range(0, CHANNELS * A_DIGEST_EVERY, A_DIGEST_EVERY))
    )
    targets = (A_TARGET.format(number=number) for number in range(TARGETS))
    return "".join((POLICY, *targets, *digests))
