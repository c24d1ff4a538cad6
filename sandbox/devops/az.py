"""`az` as far as the pipelines' scripts use it, on the agents of the sandbox; anything else is refused."""

import json
import os
from http import HTTPStatus
from pathlib import Path

import click

from sandbox.devops.tools import azure, model, registry


@click.group()
def az() -> None:
    """Signed in where the step has a service connection, whose identity is in the environment."""
    if "IDENTITY_ENDPOINT" not in os.environ:
        azure.failed("Please run 'az login' to setup account.")


@az.group()
def account() -> None:
    pass


@account.command()
@click.option("--query", type=click.Choice(["id"]), required=True)
@click.option("--output", "-o", type=click.Choice(["tsv"]), required=True)
def show(query: str, output: str) -> None:
    click.echo(os.environ["AZURE_SUBSCRIPTION_ID"])


@az.group()
def acr() -> None:
    pass


@acr.command()
@click.option("--name", required=True)
def login(name: str) -> None:
    registry.login(name)
    click.echo("Login Succeeded")


@az.group()
def extension() -> None:
    pass


@extension.command()
@click.option("--name", type=click.Choice(["ml"]), required=True)
@click.option("--version", required=True)
@click.option("--yes", is_flag=True, required=True)
def add(name: str, version: str, yes: bool) -> None:
    """It is there."""


@az.group()
def ml() -> None:
    pass


@ml.group("model")
def ml_model() -> None:
    pass


@ml_model.command()
@click.option("--name", required=True)
@click.option("--version", required=True)
@click.option("--download-path", type=click.Path(path_type=Path), required=True)
@click.option("--resource-group", required=True)
@click.option("--workspace-name", required=True)
def download(name: str, version: str, download_path: Path, resource_group: str, workspace_name: str) -> None:
    target = model.download(name, version, download_path, resource_group, workspace_name)
    click.echo(f"Downloading the model {name} at {target}")


@az.command()
@click.option("--resource", required=True)
@click.option("--url", required=True)
@click.option("--method", type=click.Choice(["get", "put"]), required=True)
@click.option("--headers", default="")
@click.option("--body", default="")
@click.option("--output", type=click.Choice(["json"]), required=True)
def rest(resource: str, url: str, method: str, headers: str, body: str, output: str) -> None:
    given = dict(entry.partition("=")[::2] for entry in headers.split() if entry)
    content = Path(body[1:]).read_bytes() if body.startswith("@") else body.encode()
    answer = azure.call(method.upper(), url, resource, headers=given, body=content or None)
    if answer.status >= 400:
        azure.failed(f"{HTTPStatus(answer.status).phrase}({json.dumps(answer.json())})")
    click.echo(json.dumps(answer.json(), indent=2))


if __name__ == "__main__":
    az()
