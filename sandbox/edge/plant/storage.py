"""A device's own storage: the images that it has pulled."""

import asyncio
import shutil
from pathlib import Path

from sandbox.edge.registry.store import Image, Store


class Storage:
    """After `damage` what is pulled arrives broken, until `repair`."""

    def __init__(self, folder: Path, registry: Store) -> None:
        self._folder = folder
        self._registry = registry
        self._broken: set[Path] = set()
        self.is_damaged = False

    def damage(self, spared: set[Path]) -> None:
        """Images that are not in use have to be pulled again."""
        self.is_damaged = True
        for folder in set(self._folder.glob("*")) - spared:
            shutil.rmtree(folder, ignore_errors=True)

    async def pull(self, reference: str) -> tuple[Image, Path]:
        """The image, and the folder with its files. Raises ImageNotFound."""
        image = self._registry.pull(reference)
        folder = self._folder / image.digest.removeprefix("sha256:")[:16]
        if not folder.exists():
            await asyncio.to_thread(self._unpack, image, folder)
        return image, folder

    def repair(self) -> None:
        self.is_damaged = False
        for folder in self._broken:
            shutil.rmtree(folder, ignore_errors=True)
        self._broken.clear()

    def _unpack(self, image: Image, folder: Path) -> None:
        partial = folder.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        image.unpack(partial)
        if self.is_damaged:
            self._broken.add(folder)
            for model in partial.rglob("*.onnx"):
                model.write_bytes(model.read_bytes()[: model.stat().st_size // 2])
        partial.rename(folder)
