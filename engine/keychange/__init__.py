"""keychange: versioned, reversible, verified configuration migrations."""

__version__ = "0.1.0"

_PUBLIC = (
    *("plan", "up", "down", "check", "probe"),
    *("Options", "Plan", "Step", "Site", "State", "Outcome", "Ending", "Report", "Standing"),
    *("CheckOutcome", "Verdict", "Diagnostic", "Location", "Severity"),
    *("KeychangeError", "UsageProblem", "RefusedError", "RolledBackError", "RollbackError"),
)
"""What ``keychange.api`` offers; the types are in ``__init__.pyi``."""


def __getattr__(name: str) -> object:
    """The public functions and their types, imported when one is first asked for.

    So `migrate check`, which needs none of them, pays for none.
    """
    if name in _PUBLIC:
        from importlib import import_module

        return getattr(import_module("keychange.api"), name)
    raise AttributeError(f"module 'keychange' has no attribute '{name}'")


def __dir__() -> list[str]:
    """What there is, for completion."""
    return [*_PUBLIC, "__version__"]
