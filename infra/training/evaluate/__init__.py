"""The code that the pipeline's evaluate step runs; uploaded as it is when the pipeline is published."""
