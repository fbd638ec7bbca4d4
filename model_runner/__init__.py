"""A model's folder in, then rows; predictions out. All that touches a model's code runs in its processes."""
