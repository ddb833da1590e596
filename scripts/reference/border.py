"""The US-Mexico border from OpenStreetMap's time zone outlines.

The zones of both countries share their edges exactly where the border is. Those edges make one line, which is
simplified to 10 m (Douglas-Peucker on longitude scaled by cos 30 degrees) and written from west to east, so that the
United States are on its left.
"""

import json
import math

import numpy as np
from timezonefinder import TimezoneFinder

US_ZONES = ["Los_Angeles", "Phoenix", "Denver", "Chicago"]
MX_ZONES = ["Tijuana", "Hermosillo", "Ciudad_Juarez", "Chihuahua", "Ojinaga", "Matamoros", "Monterrey"]
TOLERANCE_M = 10.0
METRES_A_DEGREE = 111_195.0
# Where the line changes its nature: the initial point on the Pacific, the Colorado, the Rio Grande at El Paso and
# its mouth (International Boundary and Water Commission). The Colorado carries the line between its latitudes.
PACIFIC_LONGITUDE = -117.1233
COLORADO = ((-114.82, 32.48), (-114.715, 32.7195))
EL_PASO_LONGITUDE = -106.5286
GULF_LONGITUDE = -97.1455
ACCURACY_M = {"maritime": 500, "land": 25, "river": 250}


def edges(finder, zones):
    found = set()
    for zone in zones:
        for polygon in finder.get_geometry(tz_name=f"America/{zone}", coords_as_pairs=True):
            for ring in polygon:
                points = [tuple(point) for point in ring]
                for a, b in zip(points, points[1:] + points[:1]):
                    if a != b:
                        found.add((a, b) if a < b else (b, a))
    return found


def merge(shared):
    neighbours = {}
    for a, b in shared:
        neighbours.setdefault(a, []).append(b)
        neighbours.setdefault(b, []).append(a)
    ends = [point for point, others in neighbours.items() if len(others) == 1]
    if len(ends) != 2 or any(len(others) > 2 for others in neighbours.values()):
        raise SystemExit("the shared edges do not make one line")
    line = [min(ends)]
    previous = None
    while True:
        forward = [point for point in neighbours[line[-1]] if point != previous]
        if not forward:
            break
        previous = line[-1]
        line.append(forward[0])
    if len(line) != len(neighbours):
        raise SystemExit("the shared edges make more than one line")
    return line


def simplify(line):
    scale = math.cos(math.radians(30))
    flat = np.array([(x * scale, y) for x, y in line]) * METRES_A_DEGREE
    keep = np.zeros(len(line), dtype=bool)
    keep[0] = keep[-1] = True
    stack = [(0, len(line) - 1)]
    while stack:
        first, last = stack.pop()
        if last - first < 2:
            continue
        a, b = flat[first], flat[last]
        inner = flat[first + 1 : last]
        d = b - a
        length = float(d @ d)
        t = np.clip(((inner - a) @ d) / length, 0, 1) if length > 0 else np.zeros(len(inner))
        away = inner - (a + t[:, None] * d)
        distance = np.hypot(away[:, 0], away[:, 1])
        worst = int(distance.argmax())
        if distance[worst] > TOLERANCE_M:
            middle = first + 1 + worst
            keep[middle] = True
            stack += [(first, middle), (middle, last)]
    return [point for point, kept in zip(line, keep) if kept]


def kind(point, is_behind_el_paso):
    x, y = point
    if x < PACIFIC_LONGITUDE or x > GULF_LONGITUDE:
        return "maritime"
    (west, south), (east, north) = COLORADO
    if west <= x <= east and south < y < north and not (y < 32.495 and x > -114.80):
        return "river"
    return "river" if is_behind_el_paso else "land"


def kinds_along(line):
    found = []
    is_behind_el_paso = False
    for a, b in zip(line, line[1:]):
        is_behind_el_paso |= b[0] > EL_PASO_LONGITUDE
        found.append(kind(((a[0] + b[0]) / 2, (a[1] + b[1]) / 2), is_behind_el_paso))
    return found


def text_of(feature):
    """A feature with a line, one vertex to a line of text, so that a change shows as one."""
    head, tail = json.dumps(feature, ensure_ascii=False).split('"coordinates": [', 1)
    points = tail[: tail.index("]]") + 1].replace("], [", "],\n[")
    return head + '"coordinates": [\n' + points + "\n" + tail[tail.index("]]") + 1 :] + "\n"


def build():
    finder = TimezoneFinder(in_memory=True)
    shared = edges(finder, US_ZONES) & edges(finder, MX_ZONES)
    line = simplify(merge(shared))
    rounded = [[round(x, 6), round(y, 6)] for x, y in line]
    kinds = kinds_along(rounded)
    rows = ["from_index,to_index,kind,accuracy_m"]
    start = 0
    for index in range(1, len(kinds) + 1):
        if index == len(kinds) or kinds[index] != kinds[start]:
            rows.append(f"{start},{index},{kinds[start]},{ACCURACY_M[kinds[start]]}")
            start = index
    feature = {
        "type": "Feature",
        "properties": {
            "name": "US-Mexico border",
            "left": "US",
            "right": "MX",
            "tolerance_m": TOLERANCE_M,
            "source": "timezonefinder-data 3.2026.3.post1 (timezone-boundary-builder 2026c, OpenStreetMap)",
            "licence": "ODbL-1.0",
            "attribution": "(c) OpenStreetMap contributors",
        },
        "geometry": {"type": "LineString", "coordinates": rounded},
    }
    text = text_of(feature)
    return {"border/us-mx.geojson": text, "border/us-mx-stretches.csv": "\n".join(rows) + "\n"}
