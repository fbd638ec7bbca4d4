"""Draws seasons.svg: why the demo's quiet stream is a random hold-out and not the rows in their own order.

    python seasons.py

Each line is one feature, each point the PSI of one week before the market opened against the first half year. The dots
are windows of as many rows from a random hold-out, against the other 70 %: the same rows, without their seasons.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from train import CHANGE, DATA, split

from stream.profiles.build import build_profile
from stream.profiles.numeric import assign_bins
from stream.statistics.psi import psi

WEEK = 7 * 48
HALF_YEAR = 26 * WEEK
SHOWN = {"nswprice": "#d1495b", "nswdemand": "#2e6f9e"}
"""The two features that vary before the change (besides the time of day), and their colours."""
OUT = Path(__file__).resolve().parent / "seasons.svg"
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 860, 360, 52, 16, 58, 44


def weekly_psi(feature: str, reference: pd.DataFrame, rows: pd.DataFrame) -> list[float]:
    """PSI of each whole week's number of rows against the reference, on the reference's deciles."""
    profile = build_profile({feature: reference[feature].to_numpy()}, model="seasons", version=1).features[0]
    edges = np.array(profile.edges)
    found = []
    for start in range(0, len(rows) - WEEK + 1, WEEK):
        bins = assign_bins(edges, rows[feature].to_numpy()[start : start + WEEK])
        counts = np.bincount(bins, minlength=profile.n_bins)
        found.append(psi(profile.to_buckets(counts), profile.bucket_counts))
    return found


def chart(lines: dict[str, list[float]], dots: dict[str, list[float]]) -> str:
    """One SVG: the weeks as lines, the hold-out as dots at the same places from the left."""
    weeks = max(map(len, lines.values()))
    top = max(map(max, lines.values())) * 1.05
    x = _scale(0, weeks - 1, LEFT, WIDTH - RIGHT)
    y = _scale(0.0, top, HEIGHT - BOTTOM, TOP)
    body = [*_frame(x, y, weeks, top), *_legend()]
    for feature, values in lines.items():
        points = " ".join(f"{x(week):.1f},{y(value):.1f}" for week, value in enumerate(values))
        body.append(f'<polyline points="{points}" fill="none" stroke="{SHOWN[feature]}" stroke-width="2"/>')
    for feature, values in dots.items():
        body += [
            f'<circle cx="{x(week):.1f}" cy="{y(value):.1f}" r="2.5" fill="{SHOWN[feature]}"/>'
            for week, value in enumerate(values)
        ]
    style = 'font-family="system-ui, sans-serif" font-size="12" fill="#333"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" {style}>'
    return "\n".join([head, f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>', *body, "</svg>", ""])


def _scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    return lambda value: start + (value - low) / (high - low) * (end - start)


def _frame(x: Callable[[float], float], y: Callable[[float], float], weeks: int, top: float) -> Iterator[str]:
    yield f'<text x="{LEFT}" y="20" font-size="15">PSI of each week before the market opened</text>'
    for value in np.arange(0, top, 0.5):
        yield f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="#eee"/>'
        yield f'<text x="{LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.1f}</text>'
    for week in range(0, weeks, 4):
        number = HALF_YEAR // WEEK + 1 + week
        yield f'<text x="{x(week):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{number}</text>'
    yield f'<text x="{WIDTH / 2}" y="{HEIGHT - 8}" text-anchor="middle">week since May 1996</text>'
    limit = f"{y(0.2):.1f}"
    yield f'<path d="M{LEFT} {limit}H{WIDTH - RIGHT}" stroke="#333" stroke-dasharray="4 4"/>'
    yield f'<text x="{WIDTH - RIGHT}" y="{y(0.2) - 5:.1f}" text-anchor="end">0.2</text>'


def _legend() -> Iterator[str]:
    for place, (feature, colour) in enumerate(SHOWN.items()):
        left = LEFT + place * 380
        yield f'<line x1="{left}" x2="{left + 22}" y1="38" y2="38" stroke="{colour}" stroke-width="2"/>'
        yield f'<text x="{left + 28}" y="42">{feature}: its weeks in order</text>'
        yield f'<circle cx="{left + 200}" cy="38" r="2.5" fill="{colour}"/>'
        yield f'<text x="{left + 208}" y="42">random hold-out, {WEEK} rows</text>'


def main() -> None:
    data = pd.read_csv(DATA)
    before = data.iloc[:CHANGE]
    reference, held_out, _ = split(data)
    lines = {name: weekly_psi(name, before[:HALF_YEAR], before[HALF_YEAR:]) for name in SHOWN}
    dots = {name: weekly_psi(name, reference, held_out) for name in SHOWN}
    OUT.write_text(chart(lines, dots), encoding="utf-8")
    for name in SHOWN:
        print(f"{name}: up to {max(lines[name]):.2f} in its order, up to {max(dots[name]):.2f} in the hold-out")


if __name__ == "__main__":
    main()
