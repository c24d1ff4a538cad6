"""`docker buildx` as far as the pipelines' scripts use it, on the agents of the sandbox; anything else is refused."""

import json
import sys
from pathlib import Path

import click

from sandbox.devops.tools.registry import Repository
from sandbox.edge.registry.build import BuildFailed, build, manifest_of


@click.group()
def docker() -> None:
    pass


@docker.group()
def buildx() -> None:
    pass


@buildx.command("build")
@click.option("--provenance", type=click.Choice(["false"]), required=True)
@click.option("--file", "file", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--build-context", "contexts", multiple=True)
@click.option("--build-arg", "arguments", multiple=True)
@click.option("--tag", required=True)
@click.option("--metadata-file", "told", type=click.Path(path_type=Path), required=True)
@click.option("--push", is_flag=True, required=True)
@click.argument("context", type=click.Path(exists=True, path_type=Path))
def build_(
    provenance: str,
    file: Path,
    contexts: tuple[str, ...],
    arguments: tuple[str, ...],
    tag: str,
    told: Path,
    push: bool,
    context: Path,
) -> None:
    folders = {name: Path(place) for name, _, place in (entry.partition("=") for entry in contexts)}
    given = {name: value for name, _, value in (entry.partition("=") for entry in arguments)}
    try:
        built = build(file, {"": context, **folders}, given, click.echo)
    except BuildFailed as fault:
        sys.exit(f"ERROR: failed to solve: {fault}")
    repository = Repository(tag)
    config, layer = repository.push_blob(built.config), repository.push_blob(built.layer)
    digest = repository.push_manifest(manifest_of(config, layer, built))
    known = {"containerimage.config.digest": config, "containerimage.digest": digest, "image.name": tag}
    told.write_text(json.dumps(known, indent=2))
    click.echo(f"pushed {tag}")


if __name__ == "__main__":
    docker()
