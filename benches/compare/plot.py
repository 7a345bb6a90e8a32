"""Plots as plain SVG, readable on light and on dark ground: ratios as dots with their spread, and lines that grow."""

import math
import statistics
from xml.sax.saxutils import escape

COLOURS = "abcde"


def palette(ground, ink, faint, *lines):
    """Rules for everything that has a colour."""
    rules = [f".ground {{ fill: {ground} }} text {{ fill: {ink} }} .grid {{ stroke: {faint} }} .one {{ stroke: {ink} }}"]
    rules += [f".s{name} {{ stroke: {colour} }} .f{name} {{ fill: {colour} }}" for name, colour in zip(COLOURS, lines)]
    return "\n".join(rules)


LIGHT = palette("#ffffff", "#24292f", "#d8dee4", "#0969da", "#bc4c00", "#1a7f37", "#8250df", "#bf3989")
DARK = palette("#0d1117", "#e6edf3", "#30363d", "#58a6ff", "#f0883e", "#56d364", "#bc8cff", "#f778ba")
STYLE = f"""<style>
text {{ font: 12px sans-serif }} .title {{ font-weight: bold; font-size: 14px }} .end {{ text-anchor: end }}
.middle {{ text-anchor: middle }} .one {{ stroke-dasharray: 4 3 }} polyline {{ fill: none }} .thick {{ stroke-width: 2 }}
{LIGHT}
@media (prefers-color-scheme: dark) {{
{DARK}
}}
</style>"""
WIDTH = 820
ROW = 20


def number(value):
    """As short as it can be read."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"


def ticks(low, high):
    """1, 2 and 5 of each power of ten between the two; only the ones where there would be many."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found = [step * 10.0**power for power in powers for step in ((1, 2, 5) if len(powers) < 5 else (1,))]
    return [tick for tick in found if low * 0.999 <= tick <= high * 1.001]


class Log:
    """A logarithmic axis from one place to another."""

    def __init__(self, values, start, end):
        low, high = min(values), max(values)
        self.low, self.high = low / 1.15, high * 1.15
        self.start, self.end = start, end

    def at(self, value):
        part = (math.log(value) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        return self.start + part * (self.end - self.start)


def text(x, y, words, kind=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}">{escape(words)}</text>'


def line(x1, y1, x2, y2, kind):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def dot(x, y, radius, colour):
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" class="f{colour}"/>'


def svg(height, title, parts):
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">'
    ground = f'<rect width="{WIDTH}" height="{height}" class="ground"/>'
    return "\n".join([head, STYLE, ground, text(12, 22, title, "title"), *parts, "</svg>"]) + "\n"


def dots(title, under, rows, labels=400, one=True):
    """Rows of a label, the rounds' values and, where it is not their median, what is said of them all, on a logarithmic axis;
    a line at one, where values are ratios."""
    seen = [value for _, values, *said in rows for value in [*values, *said]]
    axis = Log(seen + ([0.9, 1.1] if one else []), labels, WIDTH - 70)
    top, bottom = 40, 40 + ROW * len(rows)
    parts = [line(axis.at(tick), top, axis.at(tick), bottom, "one" if one and tick == 1 else "grid") for tick in ticks(axis.low, axis.high)]
    parts += [text(axis.at(tick), bottom + 16, number(tick), "middle") for tick in ticks(axis.low, axis.high)]
    parts.append(text((axis.start + axis.end) / 2, bottom + 34, under, "middle"))
    for at, (label, values, *said) in enumerate(rows):
        y, middle = top + ROW * (at + 0.5), said[0] if said else statistics.median(values)
        parts.append(text(labels - 8, y + 4, label, "end"))
        parts.append(line(axis.at(min(values)), y, axis.at(max(values)), y, "sa thick"))
        parts.append(dot(axis.at(middle), y, 4, "a"))
        parts.append(text(WIDTH - 60, y + 4, f"{middle:.2f}" if middle < 100 else number(middle)))
    return svg(bottom + 46, title, parts)


def lines(title, across, up, series):
    """Several lines by name: x and the rounds' values of y at each point, on two logarithmic axes."""
    points = [(x, value) for line_of in series.values() for x, values in line_of for value in values if value > 0]
    x_axis, y_axis = Log([x for x, _ in points], 70, WIDTH - 230), Log([y for _, y in points], 300, 44)
    parts = []
    for tick in ticks(x_axis.low, x_axis.high):
        parts += [line(x_axis.at(tick), 44, x_axis.at(tick), 300, "grid"), text(x_axis.at(tick), 316, number(tick), "middle")]
    for tick in ticks(y_axis.low, y_axis.high):
        parts += [line(70, y_axis.at(tick), WIDTH - 230, y_axis.at(tick), "grid"), text(62, y_axis.at(tick) + 4, number(tick), "end")]
    parts += [text((70 + WIDTH - 230) / 2, 336, across, "middle"), text(12, 38, up)]
    for at, (name, line_of) in enumerate(series.items()):
        colour = COLOURS[at % len(COLOURS)]
        middles = [(x_axis.at(x), y_axis.at(statistics.median(values))) for x, values in line_of if min(values) > 0]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in middles)
        parts.append(f'<polyline points="{path}" class="s{colour} thick"/>')
        parts += [line(x_axis.at(x), y_axis.at(min(values)), x_axis.at(x), y_axis.at(max(values)), f"s{colour} thick")
                  for x, values in line_of if min(values) > 0]
        parts += [dot(x, y, 3, colour) for x, y in middles]
        y = 60 + ROW * at
        parts += [line(WIDTH - 215, y - 4, WIDTH - 195, y - 4, f"s{colour} thick"), text(WIDTH - 190, y, name)]
    return svg(348, title, parts)
