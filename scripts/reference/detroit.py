"""A second border, to show that nothing in the code is about the first: the United States and Canada at Detroit.

The line is what the zones of the United States share with Toronto's, from the west of Lake Erie up the Detroit and the
St. Clair rivers into the foot of Lake Huron, so that the United States are on its left. Outlines are cut to a box, towns
to 60 km.
"""

import json

from timezonefinder import TimezoneFinder

import border
import countries
import geo
import states
import towns

BOX = (-90.0, 38.0, -75.0, 48.0)
US_ZONES, CA_ZONES = ["Detroit", "New_York"], ["Toronto"]
# Where the line begins in Lake Erie and ends in Lake Huron.
ERIE_LONGITUDE, HURON_LATITUDE = -82.45, 43.25
# The reaches, by latitude from south to north: where a river begins or a lake. International Boundary Commission.
REACHES = [(42.05, "lake"), (42.35, "river"), (42.56, "lake"), (43.005, "river"), (90.0, "lake")]
ACCURACY_M = {"lake": 500, "river": 100}
NEAR_M = 60_000.0
LINE_TOWNS = {("US", "Detroit"), ("US", "Port Huron"), ("US", "Algonac"), ("US", "Marine City"), ("CA", "Windsor"),
              ("CA", "Sarnia"), ("CA", "Walpole Island")}


def line(finder):
    shared = border.edges(finder, US_ZONES) & border.edges(finder, CA_ZONES)

    def is_here(point):
        x, y = point
        return -83.4 < x < -82.0 and 41.6 < y < HURON_LATITUDE and (y > 42.2 or x < ERIE_LONGITUDE)

    merged = border.merge({(a, b) for a, b in shared if is_here(a) and is_here(b)})
    if merged[0][1] > merged[-1][1]:
        merged.reverse()
    return geo.simplify(merged, border.TOLERANCE_M)


def stretches(points):
    rows, start = [], 0
    kinds = []
    for a, b in zip(points, points[1:]):
        middle = (a[1] + b[1]) / 2
        kinds.append(next(kind for north, kind in REACHES if middle < north))
    for index in range(1, len(kinds) + 1):
        if index == len(kinds) or kinds[index] != kinds[start]:
            rows.append([start, index, kinds[start], ACCURACY_M[kinds[start]]])
            start = index
    return geo.csv_text(["from_index", "to_index", "kind", "accuracy_m"], rows)


def town_rows(near):
    rows = []
    for place in towns.all_places():
        latitude, longitude = place["latitude"], place["longitude"]
        if place["countrycode"] not in ("US", "CA") or not (41 < latitude < 44 and -84.5 < longitude < -81):
            continue
        if near.distance_m(latitude, longitude) > NEAR_M:
            continue
        touches = (place["countrycode"], place["name"]) in LINE_TOWNS
        rows.append(towns.row_of(place, touches, towns.aliases_of(place, [])))
    return sorted(rows, key=lambda row: row[0])


def build():
    finder = TimezoneFinder(in_memory=True)
    rounded = [[round(x, 6), round(y, 6)] for x, y in line(finder)]
    feature = {
        "type": "Feature",
        "properties": {
            "name": "US-Canada border at Detroit and Windsor",
            "left": "US",
            "right": "CA",
            "tolerance_m": border.TOLERANCE_M,
            "source": "timezonefinder-data 3.2026.3.post1 (timezone-boundary-builder 2026c, OpenStreetMap)",
            "licence": "ODbL-1.0",
            "attribution": "(c) OpenStreetMap contributors",
        },
        "geometry": {"type": "LineString", "coordinates": rounded},
    }
    near = geo.Line(rounded)
    return {
        "us-ca/line.geojson": border.text_of(feature),
        "us-ca/stretches.csv": stretches(rounded),
        "us-ca/towns.csv": geo.csv_text(towns.HEADER, town_rows(near)),
        "us-ca/states.yaml": states.text_of(
            [("US", "MI"), ("US", "OH"), ("CA", "ON")],
            "States about Detroit. Names by hand, circles from GeoNames: scripts/reference/states.py."),
        "us-ca/countries.geojson": countries.build_pair(
            finder, "The United States and Canada about Detroit", "US", "CA", near, BOX),
    }
