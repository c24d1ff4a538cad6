"""The plant: three lines with devices, each with a camera, an edge agent and the module that it was told to run."""
