"""The edge module. It runs in the model's own environment: Python 3.9 or newer, Pillow, and paho-mqtt beside it."""
