"""keychange: versioned, reversible, verified configuration migrations."""

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """The public functions and their types, imported when one is first asked for.

    So `migrate check`, which needs none of them, pays for none. Their types are in
    ``__init__.pyi``, their contracts in ``keychange.api``.
    """
    if not name.startswith("_"):
        from importlib import import_module

        api = import_module("keychange.api")
        if name in api.__all__:
            return getattr(api, name)
    raise AttributeError(f"module 'keychange' has no attribute '{name}'")


def __dir__() -> list[str]:
    """What there is, for completion."""
    from importlib import import_module

    return [*import_module("keychange.api").__all__, "__version__"]
