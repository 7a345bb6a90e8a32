"""The `functions-framework` command, with a stand-in for heeler that says how it was started."""

import os
import subprocess
import tempfile
import unittest

from support import RUNTIME, Case

COMMAND = os.path.join(RUNTIME, "bin", "functions-framework")
NAMES = ("FUNCTION_TARGET", "FUNCTION_SOURCE", "FUNCTION_SIGNATURE_TYPE", "port", "mode")


class Command(Case):
    def run_command(self, *arguments, **env):
        with tempfile.TemporaryDirectory() as folder:
            stand_in = os.path.join(folder, "heeler")
            with open(stand_in, "w") as file:
                file.write("#!/bin/sh\nenv\n")
            os.chmod(stand_in, 0o755)
            env = {"PATH": folder + ":" + os.environ["PATH"], **env}
            got = subprocess.run([COMMAND, *arguments], env=env, capture_output=True, text=True)
        told = dict(line.partition("=")[::2] for line in got.stdout.splitlines())
        return got.returncode, {name: told[name] for name in NAMES if name in told}, got.stderr

    def test_started(self):
        plain = {"FUNCTION_TARGET": "f", "port": "8080", "mode": "warm"}
        for arguments, env, expected in (
            (["--target=f"], {}, plain),
            (["--target", "f", "--debug"], {}, plain),
            ([], {"FUNCTION_TARGET": "f", "PORT": "9"}, {**plain, "port": "9"}),
            (["--target=f", "--port", "7", "--source=a.py", "--signature-type", "event", "--host=::"], {"PORT": "9"},
             {**plain, "port": "7", "FUNCTION_SOURCE": "a.py", "FUNCTION_SIGNATURE_TYPE": "event"}),
        ):  # fmt: skip
            with self.subTest(arguments, env=env):
                self.assertEqual(self.run_command(*arguments, **env), (0, expected, ""))

    def test_refused(self):
        for arguments, said in (
            ([], "--target or FUNCTION_TARGET names the function"),
            (["--target"], "--target wants a value"),
            (["--target=f", "--odd=1"], "there is no --odd"),
            (["serve"], "what is serve?"),
        ):
            with self.subTest(arguments):
                code, started, errors = self.run_command(*arguments)
                self.assertEqual((code, started), (64, {}))
                self.assertIn(said, errors)


if __name__ == "__main__":
    unittest.main()
