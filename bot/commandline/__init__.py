"""One module per command of `spotter`; `bot/cli.py` lists them."""
