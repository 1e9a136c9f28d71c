"""Workers share a collection that has nothing to report."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.support.spawn import clean_environment

TESTS = {
    "good": "def test_it(): pass",
    "broken": "def test_it(",
    "gone": "import sys\nsys.exit()",
    "skipped": "import pytest\npytest.skip(allow_module_level=True)",
    "odd": "class TestIt:\n    def __init__(self): pass\n    def test_it(self): pass",
}
PROGRAM = """
import json, sys
from tests.support import shared_collection

options = ["-pxdist.plugin", "-Wignore:Module already imported", "--rootdir=."]
shared = {}
for name in sys.argv[1:]:
    before = len(shared_collection._collected)
    shared_collection.collect([*options, name])
    shared[name] = len(shared_collection._collected) > before
print(json.dumps(shared))
"""


def test_a_failure_a_skip_or_a_warning_is_not_shared(tmp_path: Path):
    for name, text in TESTS.items():
        (tmp_path / f"test_{name}.py").write_text(text)
    files = [f"test_{name}.py" for name in TESTS]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *files, "missing.py"],
        cwd=tmp_path,
        env=clean_environment() | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    shared = json.loads(done.stdout.splitlines()[-1])
    assert [name for name, is_shared in shared.items() if is_shared] == ["test_good.py"]
