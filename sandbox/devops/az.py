"""`az` as far as the pipelines' scripts use it, on the agents of the sandbox; anything else is refused."""

import os
import sys

import click


@click.group()
def az() -> None:
    """Signed in where the step has a service connection, whose identity is in the environment."""
    if "IDENTITY_ENDPOINT" not in os.environ:
        sys.exit("ERROR: Please run 'az login' to setup account.")


@az.group()
def account() -> None:
    pass


@account.command()
@click.option("--query", type=click.Choice(["id"]), required=True)
@click.option("--output", "-o", type=click.Choice(["tsv"]), required=True)
def show(query: str, output: str) -> None:
    click.echo(os.environ["AZURE_SUBSCRIPTION_ID"])


if __name__ == "__main__":
    az()
