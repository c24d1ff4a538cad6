"""The IoT Hub's service API over HTTP."""
