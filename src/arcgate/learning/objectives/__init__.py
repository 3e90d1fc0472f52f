"""What a training minimises: one module an objective, which exports `objective(**parameters)`."""
