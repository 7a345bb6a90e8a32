"""The table of goals, the page and its plots, from a run that is made up; and the bound of a family.

    python3 -m unittest discover benches/compare
"""

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


def cell(who, **figures_of):
    """A record of http mode with two rounds, the second a hundredth dearer."""
    rounds = [{name: value * more for name, value in figures_of.items()} | {"errors": ""} for more in (1, 1.01)]
    return {"call": "post-100B", "connections": 16, "who": who, "rounds": rounds}


def a_run():
    """heeler is twice as fast as of-watchdog, which is too little, and cheaper than nginx, which is enough."""
    http = [cell("heeler", rate=200.0, p50_us=80.0, cpu_us=20.0), cell("of-watchdog", rate=100.0, p50_us=160.0, cpu_us=100.0),
            cell("nginx", rate=180.0, p50_us=90.0, cpu_us=30.0)]
    line = [{"curve": "workers", "line": "warm", "x": x, "rounds": [{"own_us": 10.0, "errors": ""}]} for x in (1, 64)]
    size = {"what": "size of the binary, bytes", "values": {"heeler": [2_900_000]}}
    families = {"http_mode": http, "growth": line, "fork": [size]}
    return {"date": "2026-01-02", "settings": {"seconds": 2, "rounds": 2, "quick": False},
            "machine": {"cpus": 2, "model": "a machine", "memory_gb": 4.0, "kernel": "6.1", "load_before": 0.1, "versions": {"nginx": "1.2.3"}},
            "families": {name: {"minutes": 1.0, "ended": "well", "left_out": ["of-watchdog, OF_WATCHDOG does not name a program"]
                                if name == "fork" else [], "raw": raw} for name, raw in families.items()}}


def found(run, what):
    return next((values, verdict) for goal, values, verdict in verdicts(run) if what == f"{goal.what} {goal.beside}")


class Goals(unittest.TestCase):
    def test_a_ratio_is_taken_within_its_round_and_judged_by_its_median(self):
        self.assertEqual(found(a_run(), "100 bytes, 16 connections: calls/s of-watchdog"), ([2.0, 2.0], MISSED))
        values, verdict = found(a_run(), "100 bytes, 16 connections, HTTP/1.1: calls per CPU second nginx")
        self.assertEqual((verdict, [round(value, 2) for value in values]), (MET, [1.5, 1.5]))
        self.assertEqual(found(a_run(), "the static binary of-watchdog has some 12 MB"), ([2.9], MET))
        self.assertEqual(found(a_run(), "own CPU per call, 1 to 64 workers: the dearest ÷ the first –"), ([1.0], MET))

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


class Bound(unittest.TestCase):
    def test_the_whole_takes_no_longer_than_the_page_of_the_scripts_says(self):
        self.assertLessEqual(sum(family.bound for family in together.FAMILIES), 40)
        self.assertTrue(all(family.about <= family.bound for family in together.FAMILIES))
        self.assertEqual([family.name for family in together.FAMILIES if not (figures.HERE / f"{family.name}.py").exists()], [])

    def test_a_family_that_takes_too_long_is_cut_and_what_it_has_is_kept(self):
        run = together.Run(together.Family("slow", 1, 1, "", ""), SimpleNamespace(quick=True, server_cpus=None, load_cpus=None))
        with tempfile.TemporaryDirectory() as folder:
            run.json = Path(folder) / "slow.json"
            run.command = lambda: [sys.executable, "-c", SLOW, str(run.json)]
            # Its bound comes when it has said something.
            said = figures.said
            self.addCleanup(setattr, figures, "said", said)
            figures.said = lambda line: run.cut() or said(line)
            done = run.play()
        self.assertEqual(done["ended"], "was cut at its 1 minutes")
        self.assertEqual((done["raw"], done["left_out"]), ([1], ["nobody, for a try"]))


if __name__ == "__main__":
    unittest.main()
