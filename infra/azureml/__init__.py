"""Azure Machine Learning as Spotter needs it: one façade, `workspace.Workspace`, over raw REST calls."""
