"""Plane and text arithmetic that the recipes share: distance to a line, Douglas-Peucker, areas, folding of names."""

import csv
import io
import json
import math
import unicodedata

import numpy as np

METRES_A_DEGREE = 111_195.0


def folded(name):
    """A name without case, accents and hyphens, as the reader compares names."""
    plain = unicodedata.normalize("NFD", name)
    return "".join(c for c in plain if not unicodedata.combining(c)).lower().replace("-", " ")


class Line:
    """Distance to a polyline, by its segments: a surveyed stretch has no vertex for a hundred kilometres."""

    def __init__(self, points):
        self.start = np.array(points[:-1])
        self.step = np.array(points[1:]) - self.start

    def distance_m(self, latitude, longitude):
        scale = np.array([math.cos(math.radians(latitude)), 1.0])
        step = self.step * scale
        away = (np.array([longitude, latitude]) - self.start) * scale
        length = (step * step).sum(axis=1)
        t = np.clip((away * step).sum(axis=1) / np.where(length > 0, length, 1.0), 0.0, 1.0)
        rest = away - t[:, None] * step
        return math.sqrt(float((rest * rest).sum(axis=1).min())) * METRES_A_DEGREE


def line_of(geojson):
    """The line to 100 m: enough to choose places by their distance, and quick."""
    return Line(simplify(json.loads(geojson)["geometry"]["coordinates"], 100.0))


def simplify(points, tolerance_m):
    """Douglas-Peucker; both ends stay. A degree of longitude is measured in the middle of each span."""
    flat = np.array(points, dtype=float)
    keep = np.zeros(len(flat), dtype=bool)
    keep[0] = keep[-1] = True
    stack = [(0, len(flat) - 1)]
    while stack:
        first, last = stack.pop()
        if last - first < 2:
            continue
        scale = np.array([math.cos(math.radians((flat[first, 1] + flat[last, 1]) / 2)), 1.0]) * METRES_A_DEGREE
        inner = (flat[first + 1 : last] - flat[first]) * scale
        d = (flat[last] - flat[first]) * scale
        length = float(d @ d)
        t = np.clip((inner @ d) / length, 0, 1) if length > 0 else np.zeros(len(inner))
        rest = inner - t[:, None] * d
        distance = np.hypot(rest[:, 0], rest[:, 1])
        worst = int(distance.argmax())
        if distance[worst] > tolerance_m:
            middle = first + 1 + worst
            keep[middle] = True
            stack += [(first, middle), (middle, last)]
    return [point for point, kept in zip(points, keep) if kept]


def area(ring):
    """Signed, in squares of the unit: positive counter-clockwise. The ring is open: its first point is not repeated."""
    x0, y0 = ring[0]
    pairs = zip(ring, ring[1:] + ring[:1])
    return sum((ax - x0) * (by - y0) - (bx - x0) * (ay - y0) for (ax, ay), (bx, by) in pairs) / 2


def area_km2(ring):
    scale = math.cos(math.radians(sum(y for _, y in ring) / len(ring)))
    return area(ring) * scale * (METRES_A_DEGREE / 1000) ** 2


def is_inside(x, y, ring):
    odd = False
    for (ax, ay), (bx, by) in zip(ring, ring[1:] + ring[:1]):
        if (ay > y) != (by > y) and x < ax + (y - ay) / (by - ay) * (bx - ax):
            odd = not odd
    return odd


def read_csv(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def csv_text(header, rows):
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()
