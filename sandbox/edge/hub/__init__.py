"""What the IoT Hub keeps: devices with their twins, deployments, and what follows from them."""
