"""The code of the step that prepares a COCO export for training; uploaded as it is when the pipeline is published."""
