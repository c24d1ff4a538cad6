"""The plant's edge: an IoT Hub, a container registry, and devices on three lines that run the deployed module."""
