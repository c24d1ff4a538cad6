"""The Home tab: what runs, what was made last, how things stand."""
