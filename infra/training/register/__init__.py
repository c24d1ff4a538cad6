"""The code that the pipeline's register step runs; uploaded as it is when the pipeline is published."""
