"""The REST resources of the organisation."""
