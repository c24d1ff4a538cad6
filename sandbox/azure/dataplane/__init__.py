"""The workspace's regional services: run history, MLflow tracking, artifacts, discovery."""
