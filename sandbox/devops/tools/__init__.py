"""What the commands on an agent's PATH are made of, so far as the pipelines' scripts use them."""
