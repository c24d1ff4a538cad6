"""Where people ask: private channels, channels without Spotter, several at once."""

from inline_snapshot import snapshot

from tests.stories.stage import Stage

TYPED = "/train Cap_Model caps_20261102_081530 gpu-small"


def test_a_private_channel_keeps_its_training_to_itself(stage: Stage) -> None:
    stage.world.azure.studio.set_capacity("gpu-small", available=False)
    stage.trainer.types(TYPED, in_="quality")
    stage.people.channel("quality").shows("Cap_Model training: ").becomes("no free")
    assert stage.line.messages() == []


def test_where_spotter_is_not_invited_the_person_reads_it_in_a_direct_message(stage: Stage) -> None:
    stage.world.azure.studio.set_capacity("gpu-small", available=False)
    stage.trainer.types(TYPED, in_="general")
    card = stage.trainer.sees("Cap_Model training: ")
    card.becomes("no free")
    assert not card.is_private
    assert [message.channel for message in stage.trainer.private()] == [card.channel]
    stage.trainer.clicks("Cancel training", on=card)
    assert stage.people.steady(card.becomes("canceled by").text) == snapshot("""\
# Cap_Model training canceled by trainer
Asked by trainer <time> · caps_20261102_081530 on gpu-small · run cap_model-<id>
[Train again] [Open in studio]\
""")
    assert stage.people.channel("general").messages() == []


def test_two_people_at_once_get_a_training_each(stage: Stage) -> None:
    stage.world.azure.studio.set_capacity("gpu-small", available=False)
    stage.world.azure.studio.set_capacity("gpu-cluster", available=False)
    forms = []
    for role, cluster in (("trainer", "gpu-small"), ("first_approver", "gpu-cluster")):
        person = stage.people[role]
        person.types("/train Cap_Model")
        form = person.sees_modal("Train a model")
        forms.append(form.fills({"Labeling export": "caps_20261102_081530", "GPU cluster": cluster}))
    for form in forms:
        form.submits()
    for cluster in ("gpu-small", "gpu-cluster"):
        stage.line.shows(rf"(?s)Cap_Model training: .*no free.*on {cluster}")
    assert len(stage.jobs()) == 2
    assert len(stage.line.messages()) == 2
