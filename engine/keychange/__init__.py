"""keychange: versioned, reversible, verified configuration migrations."""

__version__ = "0.1.0"
