"""What a step of the training pipeline knows of the job that it runs in. Needs what a curated environment has."""
