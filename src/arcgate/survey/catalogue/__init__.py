"""The parents catalogue of a survey: sweeps streamed through named cuts into one table, with every cut counted."""
