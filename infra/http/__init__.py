"""What all raw clients share: signed requests, their failures, and reading what comes back."""
