"""The shape of the runtime's source: short files that say their idea first, and nothing imported without need."""

import ast
import os
import subprocess
import tempfile
import unittest

from support import PYTHON, RUNTIME, Case

#: Past this, ask what the second half of a file is called.
MOST_LINES = 400
#: What takes longer to import than the worker may take to start.
HEAVY = ("asyncio", "json", "inspect", "typing", "re", "threading", "logging", "enum", "socket", "traceback", "collections")


def sources():
    for folder, _, names in os.walk(RUNTIME):
        for name in sorted(names):
            if name.endswith(".py"):
                yield os.path.join(folder, name)


class Shape(Case):
    def test_files(self):
        for path in sources():
            with self.subTest(os.path.relpath(path, RUNTIME)), open(path, encoding="utf-8") as file:
                text = file.read()
                self.assertLessEqual(text.count("\n"), MOST_LINES)
                if os.sep + "handlers" + os.sep not in path:
                    self.assertTrue(ast.get_docstring(ast.parse(text)), "does not open with its idea")

    def test_the_start_imports_nothing_heavy(self):
        code = f"""
import sys
sys.path.insert(0, {RUNTIME!r})
before = set(sys.modules)
import heeler_worker.main as worker
from heeler_worker.settings import Settings
open("function.py", "w").write("def handle(request): return 'x'\\n")
worker.load(Settings({{}}), True)
import heeler_worker.serve, heeler_worker.guard
print(" ".join(sorted(set(sys.modules) - before)))
"""
        with tempfile.TemporaryDirectory() as folder:
            got = subprocess.run([PYTHON, "-I", "-S", "-c", code], cwd=folder, capture_output=True, text=True)
        self.assertEqual(got.stderr, "")
        imported = got.stdout.split()
        self.assertIn("heeler_worker.main", imported)
        self.assertEqual([name for name in imported if name in HEAVY], [])


if __name__ == "__main__":
    unittest.main()
