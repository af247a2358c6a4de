"""Packages that not every service needs."""

import importlib
from types import ModuleType

from mistralish.actions.base import ActionError


def need(module: str, package: str, extra: str) -> ModuleType:
    """Import ``module``. Raises ActionError naming what to install where it is not there."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ActionError(
            f"This action needs the package {package}, which is not installed on the service's machine or does not"
            f" work there ({error}); install it with: pip install 'mistralish[{extra}]'"
        ) from error
