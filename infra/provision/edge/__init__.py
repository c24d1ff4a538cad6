"""What the edge pipeline ships: how a shipment is named, and the layered deployment that IoT Hub is asked for."""
