"""What runs on the devices: the container app that answers pictures with a registered model's detections."""
