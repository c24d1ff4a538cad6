"""Whether stages or jobs can all have their turn."""

from collections.abc import Mapping

from sandbox.devops.pipeline.document import PipelineRefused


def check_order(path: str, kind: str, wanted: Mapping[str, tuple[str, ...]]) -> None:
    """`wanted`: names with those that they depend on. Raises PipelineRefused."""
    for name, needed in wanted.items():
        for other in needed:
            if other not in wanted:
                raise PipelineRefused(f"{path}: {kind} {name} depends on unknown {kind.lower()} {other}.")
    left = dict(wanted)
    while left:
        free = [name for name, needed in left.items() if not set(needed) & left.keys()]
        if not free:
            raise PipelineRefused(f"{path}: {kind} {next(iter(left))} depends on itself through others.")
        for name in free:
            del left[name]
