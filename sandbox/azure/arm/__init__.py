"""The control plane: what Azure Resource Manager serves for a Machine Learning workspace."""
