"""A rendered bottling line: camera pictures with ground truth, and labeling exports of them."""
