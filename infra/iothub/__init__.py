"""IoT Hub as Spotter needs it: one façade, `hub.Hub`, over the few REST calls that it takes.

Raw, because azure-iot-hub does not import on a clean install and drags a deprecated AMQP library along.
"""
