"""lnwatch: the operations desk of a merchant who takes Bitcoin with their own stack."""

__version__ = "0.1.0"
