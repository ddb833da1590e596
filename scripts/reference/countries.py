"""The outlines of countries from OpenStreetMap's time zones, territorial waters included.

A country is the union of its zones: an edge that two zones share exactly lies inside it and drops out. What is left goes
round in rings. Two countries' common edges are simplified once, to 100 m, so that the outlines meet without gap or overlap;
the rest is simplified to 500 m.
"""

import json

from timezonefinder import TimezoneFinder

import geo

ZONES = {
    "US": [
        "America/Adak", "America/Anchorage", "America/Boise", "America/Chicago", "America/Denver", "America/Detroit",
        "America/Indiana/Indianapolis", "America/Indiana/Knox", "America/Indiana/Marengo",
        "America/Indiana/Petersburg", "America/Indiana/Tell_City", "America/Indiana/Vevay",
        "America/Indiana/Vincennes", "America/Indiana/Winamac", "America/Juneau", "America/Kentucky/Louisville",
        "America/Kentucky/Monticello", "America/Los_Angeles", "America/Menominee", "America/Metlakatla",
        "America/New_York", "America/Nome", "America/North_Dakota/Beulah", "America/North_Dakota/Center",
        "America/North_Dakota/New_Salem", "America/Phoenix", "America/Sitka", "America/Yakutat", "Pacific/Honolulu",
    ],
    "MX": [
        "America/Bahia_Banderas", "America/Cancun", "America/Chihuahua", "America/Ciudad_Juarez",
        "America/Hermosillo", "America/Matamoros", "America/Mazatlan", "America/Merida", "America/Mexico_City",
        "America/Monterrey", "America/Ojinaga", "America/Tijuana",
    ],
    "CA": ["America/Toronto", "America/Atikokan", "America/Winnipeg"],
}
TOLERANCE_M = 500.0
SHARED_TOLERANCE_M = 100.0
SMALLEST_KM2 = 5.0
SMALLEST_NEAR_M = 100_000.0
# The naval base at Guantanamo keeps New York's time on Cuban ground.
NOT_OURS = (-75.4, 19.8, -75.0, 20.1)


def zone_rings(finder, zone):
    """Rings of a zone, outer ones counter-clockwise and holes clockwise, in units of 1e-7 degrees."""
    for polygon in finder.get_geometry(tz_name=zone, coords_as_pairs=True):
        for index, ring in enumerate(polygon):
            points = [(round(x * 1e7), round(y * 1e7)) for x, y in ring]
            points = [p for p, q in zip(points, points[1:] + points[:1]) if p != q]
            if len(points) > 2:
                yield points if (geo.area(points) > 0) == (index == 0) else points[::-1]


def clipped(ring, box):
    """The part of a ring inside a box, one side after the other (Sutherland and Hodgman)."""
    for axis, limit, sign in ((0, box[0], 1), (1, box[1], 1), (0, box[2], -1), (1, box[3], -1)):
        made = []
        for a, b in zip(ring, ring[1:] + ring[:1]):
            if sign * (a[axis] - limit) >= 0:
                made.append(a)
            if (a[axis] > limit) != (b[axis] > limit) and limit not in (a[axis], b[axis]):
                # From the lesser end, so that both countries cut a common edge at the same point.
                p, q = min(a, b), max(a, b)
                other = round(p[1 - axis] + (limit - p[axis]) * (q[1 - axis] - p[1 - axis]) / (q[axis] - p[axis]))
                made.append((limit, other) if axis == 0 else (other, limit))
        ring = made
        if len(ring) < 3:
            return []
    return ring


def outline_edges(finder, zones, box=None):
    """Directed edges with the country on the left, those between its own zones left out."""
    found = {}
    for zone in zones:
        for ring in zone_rings(finder, zone):
            if box:
                ring = clipped(ring, box)
            for a, b in zip(ring, ring[1:] + ring[:1]):
                if a == b:
                    continue
                if found.get((b, a)):
                    found[(b, a)] -= 1
                else:
                    found[(a, b)] = found.get((a, b), 0) + 1
    return {edge for edge, times in found.items() if times}


def turn(before, at, after):
    """How far left the way turns, as an angle that only needs to be ordered: -2 (back) to 2."""
    ux, uy, vx, vy = at[0] - before[0], at[1] - before[1], after[0] - at[0], after[1] - at[1]
    size = ((ux * ux + uy * uy) * (vx * vx + vy * vy)) ** 0.5
    cross, dot = (ux * vy - uy * vx) / size, (ux * vx + uy * vy) / size
    return cross if dot >= 0 else (2 - cross if cross > 0 else -2 - cross)


def rings_of(edges):
    """Closed rings. Where several meet in a point, the leftmost way keeps each ring simple."""
    onward = {}
    for a, b in sorted(edges):
        onward.setdefault(a, []).append(b)
    made = []
    for start in sorted(onward):
        while onward[start]:
            ring, at, following = [start], start, onward[start].pop()
            while following != start:
                ring.append(following)
                ways = onward[following]
                if not ways:
                    raise SystemExit(f"an outline does not close at {following}")
                best = max(ways, key=lambda way: turn(at, following, way)) if len(ways) > 1 else ways[0]
                ways.remove(best)
                at, following = following, best
            made.append(ring)
    return made


def simplified(ring, shared):
    """A ring in arcs: those shared with the other country keep their ends and go to a finer tolerance, in one direction."""
    count = len(ring)
    kinds = [frozenset((ring[i], ring[(i + 1) % count])) in shared for i in range(count)]
    corners = [i for i in range(count) if kinds[i] != kinds[i - 1]]
    if not corners:
        far = max(range(count), key=lambda i: ((ring[i][0] - ring[0][0]) ** 2 + (ring[i][1] - ring[0][1]) ** 2, i))
        corners = [0, far]
    made = []
    for first, last in zip(corners, corners[1:] + [corners[0] + count]):
        arc = [(ring[i % count][0] / 1e7, ring[i % count][1] / 1e7) for i in range(first, last + 1)]
        backward = arc[0] > arc[-1]
        tolerance = SHARED_TOLERANCE_M if kinds[first] else TOLERANCE_M
        arc = geo.simplify(arc[::-1] if backward else arc, tolerance)
        made += (arc[::-1] if backward else arc)[:-1]
    points = [(round(x, 4), round(y, 4)) for x, y in made]
    return [p for p, q in zip(points, points[1:] + points[:1]) if p != q]


def polygons(edges, shared, line):
    """Polygons with their holes. Small islands go unless they are near the line."""
    outer, holes = [], []
    for ring in rings_of(edges):
        area = geo.area_km2([(x / 1e7, y / 1e7) for x, y in ring])
        ring_points = simplified(ring, shared)
        if len(ring_points) < 3:
            continue
        x, y = ring_points[0]
        if NOT_OURS[0] < x < NOT_OURS[2] and NOT_OURS[1] < y < NOT_OURS[3]:
            continue
        if abs(area) < SMALLEST_KM2 and (area < 0 or line.distance_m(y, x) > SMALLEST_NEAR_M):
            continue
        (outer if area > 0 else holes).append(ring_points)
    outer.sort(key=lambda ring: (-abs(geo.area_km2(ring)), ring[0]))
    made = [[ring] for ring in outer]
    for hole in sorted(holes):
        home = [polygon for polygon in made if geo.is_inside(*hole[0], polygon[0])]
        if home:
            home[-1].append(hole)
    return made


def collection(name, outlines):
    features = []
    for country, made in outlines:
        shapes = []
        for polygon in made:
            shapes.append("[" + ",".join(
                "[" + ",".join(f"[{x:.4f},{y:.4f}]" for x, y in ring + ring[:1]) + "]" for ring in polygon) + "]")
        features.append(
            '{"type":"Feature","properties":{"country":"%s"},"geometry":{"type":"MultiPolygon","coordinates":[\n%s\n]}}'
            % (country, ",\n".join(shapes)))
    head = {
        "name": name,
        "tolerance_m": TOLERANCE_M,
        "shared_tolerance_m": SHARED_TOLERANCE_M,
        "source": "timezonefinder-data 3.2026.3.post1 (timezone-boundary-builder 2026c, OpenStreetMap)",
        "licence": "ODbL-1.0",
        "attribution": "(c) OpenStreetMap contributors",
    }
    return '{"type":"FeatureCollection","properties":%s,"features":[\n%s\n]}\n' % (
        json.dumps(head, ensure_ascii=False), ",\n".join(features))


def build_pair(finder, name, left, right, line, box=None):
    if box:
        box = [round(limit * 1e7) for limit in box]
    edges = {country: outline_edges(finder, ZONES[country], box) for country in (left, right)}
    shared = {frozenset(edge) for edge in edges[left]} & {frozenset(edge) for edge in edges[right]}
    return collection(name, [(country, polygons(edges[country], shared, line)) for country in (left, right)])


def build(geojson):
    finder = TimezoneFinder(in_memory=True)
    text = build_pair(finder, "The United States and Mexico", "US", "MX", geo.line_of(geojson))
    return {"border/countries.geojson": text}
