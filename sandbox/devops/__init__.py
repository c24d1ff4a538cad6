"""A twin of one Azure DevOps organisation."""
