"""A program under valgrind's callgrind, and how many instructions it ran. Its children's are not counted."""

import os
import re
import subprocess
import tempfile
from pathlib import Path

COLLECTED = re.compile(r"Collected : (\d+)")


class Failed(SystemExit):
    """Something that was to be counted does not do what it is counted for."""


class Counted:
    """One program, from its start to its end."""

    def __init__(self, command, env=None):
        self.folder = tempfile.TemporaryDirectory(prefix="budgets-")
        place = Path(self.folder.name)
        self.log = place / "log"
        self.command = [str(word) for word in command]
        valgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={place / 'out'}"]
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(valgrind + self.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                            stderr=log, env={"PATH": os.environ["PATH"], "TMPDIR": str(place)} | (env or {}))

    def text(self):
        """What was said so far, valgrind's own lines included."""
        return self.log.read_text(errors="replace")

    def ended(self, within=120):
        """The instructions, once the program has ended well."""
        try:
            code = self.process.wait(within)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Failed(f"budgets: {' '.join(self.command)} does not end within {within} s") from None
        found = COLLECTED.search(self.text())
        if code != 0 or not found:
            raise Failed(f"budgets: {' '.join(self.command)} ends with {code}:\n{self.text()}")
        self.folder.cleanup()
        return int(found[1])
