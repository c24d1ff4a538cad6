"""Why a job waits or failed, in a sentence that says what to do.

The patterns are data (`*.toml`), because the services' words change; the code only matches.
"""
