"""The answer to *cause?*: refit of the injection's quantities, names of bugs, and design leaks from the gates."""

from arcgate.gates.verdict.conclude import conclude

__all__ = ["conclude"]
