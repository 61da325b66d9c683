"""Finding modules: what declares something by being imported is found in its package and listed nowhere."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from pkgutil import walk_packages
from types import ModuleType


def import_all(package: str, path: Iterable[str], *, but: Iterable[str] = ()) -> list[ModuleType]:
    """Import and return every module below a package, in the order of their names.

    :param path: the package's ``__path__``. :param but: modules and rooms of the package that are left out.
    """
    left_out = tuple(f"{package}.{name}" for name in but)
    found = (module for module in walk_packages(path, f"{package}.") if not module.ispkg)
    return [
        import_module(module.name)
        for module in found
        if not any(module.name == name or module.name.startswith(f"{name}.") for name in left_out)
    ]
