"""Azure on one machine: Entra tokens, Azure Resource Manager, the Machine Learning workspace, Blob storage."""
