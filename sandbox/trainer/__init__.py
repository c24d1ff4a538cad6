"""A real, small object-detection trainer, run as a process where Azure ML would run an AutoML for images trial."""
