"""Plots as SVG, without a library: bars of ratios, and lines over time."""

import html
import math

STOCK, STRATA, TARGET = "#9a9a9a", "#1f6fb2", "#c0392b"
TEXT = 'font-family="sans-serif" font-size="12" fill="#222"'


def document(width, height, parts):
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}"><rect width="100%" height="100%" fill="white"/>' + "".join(parts) + "</svg>\n")


def text(x, y, words, anchor="start"):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {TEXT}>{html.escape(str(words))}</text>'


def line(points, colour, dashed=False):
    dash = ' stroke-dasharray="5 4"' if dashed else ""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.6"{dash}/>'


def ratio_bars(title, rows):
    """rows: (label, ratio, low, high, target); a logarithmic axis, stock at 1."""
    values = [v for row in rows for v in row[1:] if v]
    low, high = min([0.5, *values]) / 1.15, max([2, *values]) * 1.15
    left, right, top, step = 330, 780, 46, 24

    def at(value):
        return left + (right - left) * math.log(value / low) / math.log(high / low)

    bottom = top + step * len(rows)
    parts = [text(12, 22, title)]
    for tick in (1 / 100, 1 / 20, 1 / 10, 1 / 5, 1 / 2, 1, 2, 5, 10, 20, 50, 100):
        if low <= tick <= high:
            parts += [line([(at(tick), top - 8), (at(tick), bottom)], "#222" if tick == 1 else "#ddd"),
                      text(at(tick), bottom + 16, f"{tick:g}", "middle")]
    for i, (label, ratio, lowest, highest, target) in enumerate(rows):
        y = top + step * i + 8
        begin, end = sorted((at(1), at(ratio)))
        parts += [text(left - 10, y + 5, label, "end"),
                  f'<rect x="{begin:.1f}" y="{y - 6}" width="{max(end - begin, 1):.1f}" height="13" fill="{STRATA}"/>']
        if lowest and highest:
            parts.append(line([(at(lowest), y), (at(highest), y)], "#222"))
        if target:
            parts.append(line([(at(target), y - 9), (at(target), y + 10)], TARGET))
        parts.append(text(right + 12, y + 5, f"{ratio:.3g}"))
    return document(860, bottom + 30, parts)


def over_time(title, unit, series):
    """series: {name: [[second, value], …]}."""
    points = [p for each in series.values() for p in each]
    last = max([p[0] for p in points] + [1e-9])
    top_value = max([p[1] for p in points] + [1e-9]) * 1.05
    left, right, top, bottom = 70, 660, 40, 300

    def place(point):
        return left + (right - left) * point[0] / last, bottom - (bottom - top) * point[1] / top_value

    parts = [text(12, 22, title), line([(left, top), (left, bottom), (right, bottom)], "#222")]
    for i in range(5):
        value = top_value * i / 4
        y = place((0, value))[1]
        parts += [text(left - 8, y + 4, f"{value:.3g}", "end"), line([(left, y), (right, y)], "#eee")]
        parts.append(text(left + (right - left) * i / 4, bottom + 18, f"{last * i / 4:.3g} s", "middle"))
    for i, (name, each) in enumerate(series.items()):
        colour = (STOCK, STRATA)[i % 2]
        parts += [line([place(p) for p in each], colour),
                  line([(right - 120, top + 18 * i), (right - 95, top + 18 * i)], colour),
                  text(right - 90, top + 18 * i + 4, name)]
    parts.append(text(12, top - 4, unit))
    return document(700, 340, parts)
