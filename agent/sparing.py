"""Imports that a start can do without."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

_NAME = "langsmith.types.run_select_field"


def spare_langsmith_types() -> None:
    """Spare the types of LangSmith's whole API; called before LangChain is imported.

    LangChain imports LangSmith, traced or not, and that takes one `Literal` out of a
    package whose 200 modules are a seventh of the bot's start. With the module already
    there, its package is imported by those who need more of it, and then as usual.
    Where another version has no such file, nothing is spared.
    """
    if _NAME in sys.modules:
        return
    package = importlib.util.find_spec("langsmith")
    if package is None or not package.submodule_search_locations:
        return
    file = Path(package.submodule_search_locations[0], "types", "run_select_field.py")
    spec = importlib.util.spec_from_file_location(_NAME, file)
    if file.exists() and spec is not None and spec.loader is not None:
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        sys.modules[_NAME] = module
