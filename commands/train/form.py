"""What a training is asked for with."""

from dataclasses import dataclass

from commands.exports.command import trainable_first
from commands.kit.command import choice, text
from commands.kit.people import Person
from commands.kit.services import Services
from commands.train import clusters
from infra.azureml.names import JOB_NAME, MODEL_NAME


def last_model_name(services: Services, person: Person) -> str | None:
    last = clusters.last_used(services, person)
    return last.model_name if last else None


@dataclass(frozen=True)
class TrainArgs:
    model_name: str = text(
        "Model name",
        hint="For example Cap_Detection_Model. An existing name gets a new version.",
        matching=MODEL_NAME.pattern,
        rule=MODEL_NAME.sentence,
        suggest=last_model_name,
    )
    dataset: str = choice(
        "Labeling export",
        hint="Newest first",
        none="There is none yet: /exports exports the labels of a project, or the studio does.",
        from_=trainable_first,
    )
    cluster: str = choice(
        "GPU cluster",
        hint="The one you used last comes first",
        none="There is none yet: whoever runs the workspace creates a GPU cluster, or spotter provision does.",
        from_=clusters.gpu_clusters,
        suggest=clusters.last_cluster,
    )
    experiment: str = text(
        "Experiment",
        hint="A folder for runs in the studio",
        default="spotter",
        matching=JOB_NAME.pattern,
        rule="An experiment name has letters, digits, - and _ only.",
    )
