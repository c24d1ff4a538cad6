"""The container registry: images as manifests and blobs, what builds them, and what devices pull."""
