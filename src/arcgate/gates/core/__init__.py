"""What every gate is made of: comparisons, planted leaks, the one evaluator, results, and the battery that runs them."""
