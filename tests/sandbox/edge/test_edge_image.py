"""Images: what a Containerfile makes of files, and the registry that keeps them."""

from pathlib import Path

import pytest

from sandbox.edge.registry.build import BuildFailed, Built, build, manifest_of
from sandbox.edge.registry.store import ImageNotFound, Store

TWO_STAGES = """
ARG BASE=debian:bookworm-slim
FROM ${BASE} AS first
RUN make /made
COPY code /app
FROM debian:bookworm-slim
ARG VERSION=1
WORKDIR /srv
COPY --from=first /app ./app
COPY --from=first /made /made
COPY --from=model *.txt model/
ENV VERSION=$VERSION \\
    PLACE=/srv/model
ENV VERSION=${VERSION}b
USER 10001:10001
ENTRYPOINT ["python", "-m", "app"]
"""


@pytest.fixture
def contexts(tmp_path: Path) -> dict[str, Path]:
    for path, text in {"main/code/run.py": "run", "model/a.txt": "a", "model/b.txt": "b"}.items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return {"": tmp_path / "main", "model": tmp_path / "model"}


def built(contexts: dict[str, Path], text: str, told: list[str] | None = None) -> Built:
    file = contexts[""] / "Containerfile"
    file.write_text(text)
    return build(file, contexts, {"VERSION": "7"}, told.append if told is not None else lambda _: None)


def test_an_image_is_built_pushed_and_pulled(contexts: dict[str, Path], tmp_path: Path) -> None:
    told: list[str] = []
    made = built(contexts, TWO_STAGES, told)
    assert "  /made would come from a RUN, which the sandbox passes over" in told
    assert built(contexts, TWO_STAGES) == made  # the same files make the same image
    store = Store(tmp_path / "registry", "plant.azurecr.io")
    config, layer = store.put_blob("caps", made.config), store.put_blob("caps", made.layer)
    digest = store.put_manifest("caps", "1", manifest_of(config, layer, made))
    image = store.pull("plant.azurecr.io/caps:1")
    assert image == store.pull(f"plant.azurecr.io/caps@{digest}") and image.digest == digest
    assert image.settings == {
        "WorkingDir": "/srv",
        "Env": ["VERSION=7b", "PLACE=/srv/model"],
        "User": "10001:10001",
        "Entrypoint": ["python", "-m", "app"],
    }
    image.unpack(tmp_path / "rootfs")
    files = {path.relative_to(tmp_path / "rootfs").as_posix() for path in (tmp_path / "rootfs").rglob("*.*")}
    assert files == {"srv/app/run.py", "srv/model/a.txt", "srv/model/b.txt"}
    for reference in ("plant.azurecr.io/caps:2", "else.azurecr.io/caps:1", "plant.azurecr.io/other:1"):
        with pytest.raises(ImageNotFound, match="manifest unknown"):
            store.pull(reference)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("COPY code /app", "COPY stands before FROM"),
        ("FROM x\nCOPY nothing /app", "COPY nothing: there is no such file"),
        ("FROM x\nCOPY --from=elsewhere a /app", "no stage or context elsewhere"),
        ("FROM x\nONBUILD RUN y", "ONBUILD is not understood"),
        ("# nothing", "has no FROM"),
    ],
)
def test_a_containerfile_that_asks_for_too_much(contexts: dict[str, Path], wrong: str, said: str) -> None:
    with pytest.raises(BuildFailed, match=said):
        built(contexts, wrong)
