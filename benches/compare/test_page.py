"""The table of goals, the page and its plots, from a run that is made up; and the bound of a family.

    python3 -m unittest discover benches/compare
"""

import contextlib
import io
import os
import select
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml
from pathlib import Path
from types import SimpleNamespace

import all as together
import figures
import page
import tables
from goals import GOALS, MET, MISSED, UNKNOWN, verdicts
from points import CURVES


def cell(who, **figures_of):
    """A record of http mode with two rounds, the second a hundredth dearer."""
    rounds = [{name: value * more for name, value in figures_of.items()} | {"errors": ""} for more in (1, 1.01)]
    return {"call": "post-100B", "connections": 16, "who": who, "rounds": rounds}


def a_run():
    """heeler is twice as fast as of-watchdog, which is too little, and cheaper than nginx, which is enough."""
    http = [cell("heeler", rate=200.0, p50_us=80.0, cpu_us=20.0), cell("of-watchdog", rate=100.0, p50_us=160.0, cpu_us=100.0),
            cell("nginx", rate=180.0, p50_us=90.0, cpu_us=30.0)]
    line = [{"curve": "workers", "line": "warm", "x": x, "rounds": [{"own_us": 10.0, "errors": ""}]} for x in CURVES["workers"]]
    size = {"what": "size of the binary, bytes", "values": {"heeler": [2_900_000], "of-watchdog": [11_500_000]}}
    families = {"http_mode": http, "growth": line, "fork": [size]}
    return {"date": "2026-01-02", "settings": {"seconds": 2, "rounds": 2, "quick": False},
            "machine": {"cpus": 2, "model": "a machine", "memory_gb": 4.0, "kernel": "6.1", "load_before": 0.1, "versions": {"nginx": "1.2.3"}},
            "families": {name: {"minutes": 1.0, "ended": "well", "left_out": ["of-watchdog, OF_WATCHDOG does not name a program"]
                                if name == "fork" else [], "raw": raw} for name, raw in families.items()}}


WORKERS = "own CPU per call, 1 to 64 workers, warm: the dearest ÷ the cheapest before it –"


def found(run, what):
    return next((values, verdict) for goal, values, verdict in verdicts(run) if what == f"{goal.what} {goal.beside}")


class Goals(unittest.TestCase):
    def test_a_ratio_is_taken_within_its_round_and_judged_by_its_median(self):
        self.assertEqual(found(a_run(), "100 bytes, 16 connections: calls/s of-watchdog"), ([2.0, 2.0], MISSED))
        values, verdict = found(a_run(), "100 bytes, 16 connections, HTTP/1.1: calls per CPU second nginx")
        self.assertEqual((verdict, [round(value, 2) for value in values]), (MET, [1.5, 1.5]))
        self.assertEqual(found(a_run(), "the static binary of-watchdog"), ([2.9], MET))
        self.assertEqual(found(a_run(), WORKERS), ([1.0], MET))

    def test_what_grows_is_put_beside_the_cheapest_before_it(self):
        run = a_run()
        line = run["families"]["growth"]["raw"]
        for record, cost in zip(line, [20.0, 5.0, 6.0, 5.5, 7.0, 6.0, 4.0]):
            record["rounds"][0]["own_us"] = cost
        self.assertEqual(found(run, WORKERS), ([1.4], MISSED))
        line[3]["rounds"][0] = {"errors": "no load: connection 8 was closed"}
        self.assertEqual(found(run, WORKERS), ("calls of heeler failed: no load: connection 8 was closed", MISSED))
        run["families"]["growth"]["raw"] = a_run()["families"]["growth"]["raw"][:-1]
        self.assertEqual(found(run, WORKERS), ("growth measured nothing for workers, warm, 64", UNKNOWN))

    def test_who_stands_beside_has_the_figure_of_the_same_run(self):
        goal = next(goal for goal in GOALS if goal.what == "the static binary")
        self.assertEqual(goal.beside_in(a_run()), "of-watchdog: 11.5 (11.5–11.5) MB")
        self.assertEqual(goal.beside_in({"families": {}}), "of-watchdog")

    def test_what_was_not_measured_says_why(self):
        why = {what: found(a_run(), what) for what in ("streaming, `cat`, 16 connections: calls/s of-watchdog",
                                                       "100 bytes, 16 connections, HTTP/2: calls per CPU second nginx")}
        self.assertEqual([*why.values()], [
            ("fork measured nothing for heeler, streaming, cat, 16", UNKNOWN), ("http2_mode did not run", UNKNOWN)])
        run = a_run()
        start = "from the start to the first 200, `cat` of-watchdog"
        run["families"]["fork"]["raw"].append({"what": "start to first 200, function, ms", "values": {"heeler": [3.0]}})
        self.assertEqual(found(run, start), ("of-watchdog: OF_WATCHDOG does not name a program", UNKNOWN))
        run["families"]["fork"]["ended"] = "was cut at its 5 minutes"
        run["families"]["fork"]["left_out"] = []
        self.assertEqual(found(run, start), ("fork was cut at its 5 minutes", UNKNOWN))

    def test_calls_that_fail_are_no_figure_and_heelers_own_are_a_goal_missed(self):
        run = a_run()
        run["families"]["http_mode"]["raw"][0]["rounds"][1]["errors"] = "status 3"
        missed = "100 bytes, 16 connections: calls/s of-watchdog"
        self.assertEqual(found(run, missed), ("calls of heeler failed: status 3", MISSED))
        run = a_run()
        run["families"]["http_mode"]["raw"][1]["rounds"][0]["errors"] = "status 5"
        self.assertEqual(found(run, missed), ("calls of of-watchdog failed: status 5", UNKNOWN))

    def test_no_goal_stands_there_twice(self):
        self.assertEqual(len({(goal.about, goal.what, goal.beside) for goal in GOALS}), len(GOALS))


class Page(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        places = {(page, "PAGE"): self.folder / "performance.md", (page, "PLOTS"): self.folder / "performance",
                  (figures, "RUNS"): self.folder / "runs"}
        for (module, name), place in places.items():
            self.addCleanup(setattr, module, name, getattr(module, name))
            setattr(module, name, place)
        self.run_file = self.folder / "runs" / "2026-01-02-bench.json"

    def test_a_run_is_read_as_it_was_written(self):
        run = a_run()
        figures.write(run, self.run_file)
        self.assertEqual(figures.read(self.run_file), figures.rounded(run))
        self.assertEqual(figures.newest(), self.run_file)

    def test_what_is_written_by_hand_survives(self):
        figures.write(a_run(), self.run_file)
        page.write(self.run_file)
        text = page.PAGE.read_text()
        self.assertIn("- http mode: 100 bytes, 16 connections: calls/s (beside: of-watchdog): 2.00 ×, wanted ≥ 2.6 ×", text)
        page.PAGE.write_text(text.replace(page.EMPTY, "\nIt is the kernel.\n"))
        page.write(self.run_file)
        self.assertIn(f"{page.BEGIN}\nIt is the kernel.\n{page.END}", page.PAGE.read_text())
        self.assertEqual(page.wrong(), [])

    def test_a_page_says_which_binaries_were_measured_and_for_how_long_where_its_run_does(self):
        run = a_run()
        self.assertIn("this run does not say", page.made(run, self.run_file)[0])
        run["machine"] |= {"heeler": {"version": "0.1.0", "sha256": "ab" * 32, "commit": "1234abc"},
                           "watchdogs": {"of-watchdog": {"version": None, "sha256": "cd" * 32}}}
        run["families"]["fork"]["arguments"] = "--seconds 2 --rounds 3"
        text, _ = page.made(run, self.run_file)
        self.assertIn("heeler 0.1.0 (sha256 abababababababab), at commit 1234abc. Beside it: of-watchdog (sha256 cdcdcdcdcdcdcdcd), nginx 1.2.3.",
                      text)
        self.assertIn("\n    fork --seconds 2 --rounds 3\n", text)

    def test_what_failed_is_said_and_is_no_figure(self):
        run = a_run()
        run["families"]["http_mode"]["raw"][2]["rounds"][0]["errors"] = "status 7"
        failed = {"before_mb": 10.0, "over_mb": 77.0, "errors": "answered 500"}
        raw = [{"what": "1 GiB", "mode": "http", "who": who, "rounds": [rounds]}
               for who, rounds in (("heeler", {"before_mb": 3.0, "over_mb": 0.0, "errors": ""}), ("of-watchdog", failed))]
        run["families"]["memory"] = {"minutes": 1.0, "ended": "well", "left_out": [], "raw": raw}
        run["families"]["images"] = {"minutes": 1.0, "ended": "well", "left_out": [],
                                     "raw": [{"image": "go", "megabytes": 3.0, "over_base": 3.0, "rounds": []}]}
        text, plots = page.made(run, self.run_file)
        self.assertIn("| post-100B | 16 | heeler | nginx | calls of nginx failed: status 7 |  |", text)
        self.assertIn("- left out, as calls failed: 1 GiB, http, of-watchdog: answered 500", text)
        self.assertNotIn("77.0", text)
        # Nothing that is above zero: no plot, and no picture of it.
        self.assertNotIn("memory.svg", [*plots, text])

    def test_a_page_that_was_changed_is_found_out(self):
        figures.write(a_run(), self.run_file)
        page.write(self.run_file)
        page.PAGE.write_text(page.PAGE.read_text().replace("2.00", "2.60"))
        (page.PLOTS / "http_mode.svg").unlink()
        (page.PLOTS / "stale.svg").write_text("<svg/>")
        self.assertEqual([Path(problem.partition(":")[0]).name for problem in page.wrong()], ["http_mode.svg", "stale.svg", "performance.md"])

    def test_without_a_kept_run_there_is_no_page(self):
        self.assertEqual(page.wrong(), [])
        page.PAGE.write_text("made up")
        self.assertEqual(len(page.wrong()), 1)

    def test_the_plot_of_goals_has_its_dots_where_the_verdicts_are(self):
        values = [1.0, 4.0]
        self.addCleanup(setattr, tables, "verdicts", tables.verdicts)
        tables.verdicts = lambda run: [(SimpleNamespace(about="a", what="b", beside="c", most=True, limit=5.0), values, MISSED)]
        # The median of the two inverses would be 3.12.
        self.assertIn(">2.00</text>", tables.goals_plot(None))

    def test_plots_are_whole(self):
        _, plots = tables.all_of(a_run())
        self.assertEqual(sorted(plots), ["growth_workers.svg", "http_mode.svg"])
        for plot in [*plots.values(), tables.goals_plot(a_run())]:
            self.assertTrue(xml.fromstring(plot).findall("{http://www.w3.org/2000/svg}circle"))


# It keeps what it has when it is told to end.
SLOW = """
import pathlib, signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
try:
    print("left out: nobody, for a try", flush=True)
    signal.pause()
finally:
    pathlib.Path(sys.argv[1]).write_text("[1]")
"""

# It ends, and what it has started does not: it holds the other end of a named pipe, and the output.
LEAVES = """
import os, pathlib, subprocess, sys
held = os.open(sys.argv[1] + ".fifo", os.O_WRONLY)
subprocess.Popen(["sleep", "1000"], pass_fds=[held])
pathlib.Path(sys.argv[1]).write_text("[]")
"""


class Bound(unittest.TestCase):
    def test_the_whole_takes_no_longer_than_the_page_of_the_scripts_says(self):
        self.assertLessEqual(sum(family.bound for family in together.FAMILIES), 45)
        self.assertTrue(all(family.about <= family.bound for family in together.FAMILIES))
        self.assertEqual([family.name for family in together.FAMILIES if not family.file().exists()], [])

    def a_family(self, program):
        """This program in a family's place; where it may leave its figures is its argument."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        options = SimpleNamespace(quick=True, seconds=1, rounds=1, server_cpus=None, load_cpus=None)
        run = together.Run(together.Family("slow", 1, 1, "", ""), options)
        run.json = Path(folder.name) / "slow.json"
        run.command = lambda: [sys.executable, "-c", program, str(run.json)]
        return run

    def on_a_line(self, what):
        said = figures.said
        self.addCleanup(setattr, figures, "said", said)
        figures.said = lambda line: said(line) if what() is None else None

    def test_a_family_that_takes_too_long_is_cut_and_what_it_has_is_kept(self):
        run = self.a_family(SLOW)
        self.on_a_line(run.cut)
        run.play()
        done = run.figures()
        self.assertEqual(done["ended"], "was cut at its 1 minutes")
        self.assertEqual((done["raw"], done["left_out"]), ([1], ["nobody, for a try"]))
        self.assertFalse(figures.ended_well(done))

    def test_what_a_family_has_when_all_is_interrupted_is_kept(self):
        def interrupted():
            raise KeyboardInterrupt

        run = self.a_family(SLOW)
        self.on_a_line(interrupted)
        with self.assertRaises(KeyboardInterrupt):
            run.play()
        self.assertEqual((run.figures()["ended"], run.figures()["raw"]), ("was interrupted", [1]))

    def test_what_a_family_leaves_behind_ends_with_it(self):
        run = self.a_family(LEAVES)
        fifo = f"{run.json}.fifo"
        os.mkfifo(fifo)
        end = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, end)
        run.play()
        # Readable, and nothing to read: nobody has the other end any more.
        self.assertEqual(select.select([end], [], [], 20)[0], [end])
        self.assertEqual((os.read(end, 1), run.figures()["ended"]), (b"", "well"))

    def test_what_cannot_be_measured_here_is_no_failure_and_says_why(self):
        run = self.a_family("print('images: skipped, there is no engine')")
        run.play()
        done = run.figures()
        self.assertEqual((done["ended"], done["raw"]), ("was skipped: there is no engine", []))
        self.assertTrue(figures.ended_well(done))

    def test_only_a_whole_run_is_kept(self):
        for other in (["--quick"], ["--only", "fork"], ["--seconds", "1", "--rounds", "1"]):
            with self.assertRaises(SystemExit), contextlib.redirect_stderr(io.StringIO()) as said:
                together.options_from(["--keep", *other])
            self.assertIn("a whole run", said.getvalue())
        self.assertTrue(together.options_from(["--keep"]).keep)


if __name__ == "__main__":
    unittest.main()
