"""/train in all the ways in which people ask: by form, in one line, half of it, or not knowing how."""

from inline_snapshot import snapshot

from tests.stories.stage import Stage

SMALL = "caps_20261102_081530"


def test_one_line_is_enough_and_the_form_remembers(stage: Stage) -> None:
    stage.world.azure.studio.set_capacity("gpu-small", available=False)
    stage.trainer.types(f"/train Cap_Model {SMALL} gpu-small nightly")
    stage.line.shows("Cap_Model training: ")
    [job] = stage.until(lambda: stage.world.azure.studio.jobs(), "the job is made")
    assert job.experiment == "nightly"

    stage.trainer.types("/train")
    form = stage.trainer.sees_modal("Train a model")
    assert form.text == snapshot("""\
# Train a model
Model name: Cap_Model
  (For example Cap_Detection_Model. An existing name gets a new version.)
Labeling export: ____
  (Newest first)
GPU cluster: gpu-small
  (The one you used last comes first)
Experiment: spotter
  (A folder for runs in the studio)
How long it takes, and what it costs, is told here once export and cluster are chosen.
[Cancel] [Start training]\
""")
    assert form.field("Labeling export").offers() == snapshot(
        [
            "caps_20261116_143000",
            "caps_nightshift_20261113_220110",
            "caps_crooked_20261109_101204",
            "caps_20261102_081530",
            "caps_coco_20261112_093011",
            "caps_unlabelled_20261105_070500",
        ]
    )
    assert form.field("Labeling export").offers("crook") == ["caps_crooked_20261109_101204"]
    assert form.field("GPU cluster").offers() == ["gpu-small", "gpu-cluster"]
    form.closes()

    stage.people["first_approver"].types("/train")
    form = stage.people["first_approver"].sees_modal("Train a model")
    assert form.field("GPU cluster").offers() == ["gpu-cluster", "gpu-small"]
    assert form.field("GPU cluster").value is None


def test_half_a_line_opens_the_form_with_that_half(stage: Stage) -> None:
    stage.trainer.types("/train Cap_Model cluster=gpu-small experiment=nightly")
    assert stage.trainer.sees_modal("Train a model").text == snapshot("""\
# Train a model
Model name: Cap_Model
  (For example Cap_Detection_Model. An existing name gets a new version.)
Labeling export: ____
  (Newest first)
GPU cluster: gpu-small
  (The one you used last comes first)
Experiment: nightly
  (A folder for runs in the studio)
How long it takes, and what it costs, is told here once export and cluster are chosen.
[Cancel] [Start training]\
""")
    assert stage.jobs() == []


def test_those_who_do_not_know_how_are_told(stage: Stage) -> None:
    told = []
    for typed in (
        "/train help",
        f"/train Cap_Model {SMALL} gpu-small nightly tonight",
        '/train "Cap Model',
        "/exports caps lids",
        "/exports help",
    ):
        stage.trainer.types(typed)
        told.append(stage.trainer.sees(".").text)
    assert "\n".join(told) == snapshot("""\
Train a detection model on a labeling export. Write it as /train model_name dataset cluster [experiment]. Leave some out, or type /train alone, and a form asks for the rest.
:warning: “tonight” is one word too many. Write it as /train model_name dataset cluster [experiment].
:warning: A quotation mark is not closed. Write it as /train model_name dataset cluster [experiment].
:warning: “lids” is one word too many. Write it as /exports [name].
Labeling exports, newest first, and what is in them. Write it as /exports [name].\
""")
    assert stage.jobs() == []


def test_words_that_would_call_everyone_are_only_quoted(stage: Stage) -> None:
    told = []
    for typed in (
        '/train "<!channel>" caps_20261102_081530 gpu-small',
        "/train Cap_Model <!channel> gpu-small",
        f"/train Cap_Model {SMALL} <!channel>",
        "/exports <!channel>",
        "/models <!channel>",
        "/runs <!channel>",
        "/spotter <!channel>",
    ):
        stage.trainer.types(typed)
        told.append(stage.trainer.sees("channel"))
    assert not [answer.text for answer in told if "<!channel>" in str(answer.json)]
    assert all("“<!channel>”" in answer.text for answer in told)
