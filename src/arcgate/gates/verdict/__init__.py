"""The answer to *cause?*: refit of the injection's quantities, names of bugs, and design leaks from the gates."""
