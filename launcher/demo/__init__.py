"""`korproxy demo`: the main job, start to end, on the simulated providers."""
