"""What people write today to start the training: azure-ai-ml, the published component, and its inputs."""

import os
import sys

from azure.ai.ml import Input, MLClient
from azure.ai.ml.entities import PipelineJob
from azure.identity import DefaultAzureCredential

client = MLClient(
    DefaultAzureCredential(),
    os.environ["AZURE_SUBSCRIPTION_ID"],
    os.environ["AZURE_RESOURCE_GROUP"],
    os.environ["AZUREML_WORKSPACE_NAME"],
)
model, dataset, cluster = sys.argv[1:]
data = client.data.get(dataset, "1")
inputs: dict[str, Input | str | bool | int | float] = {
    "model_name": model,
    "dataset_name": dataset,
    "dataset_version": "1",
    "request_id": "by-hand",
    "compute": cluster,
    "compared_with": "none",
    "training_data": Input(type="mltable", path=data.id),
}
component = client.components.get("spotter_training", "1")
job = PipelineJob(component=component.id, inputs=inputs, experiment_name="spotter", display_name=model)
client.jobs.create_or_update(job)
