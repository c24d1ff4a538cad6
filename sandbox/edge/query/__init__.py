"""IoT Hub's query language, as far as deployments and their metrics use it."""
