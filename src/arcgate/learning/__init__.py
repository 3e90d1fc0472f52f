"""Training: data module, Lightning module, checkpoints and the training itself."""
