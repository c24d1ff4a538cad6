"""The code that the pipeline's split step runs; uploaded as it is when the pipeline is published."""
