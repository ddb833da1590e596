"""States: names and abbreviations kept by hand, and a circle that holds nearly all of each.

The circle is the smallest one found to hold the points of a state: GeoNames' places of 500 people and more, and those kept by hand. Its radius is
then widened by a tenth and rounded up to 10 km, because land without places lies outside them.
"""

import math

import geo
import statenames
import towns


def circle(points):
    """Middle and radius in metres: the middle steps toward the farthest point, ever less (Badoiu and Clarkson)."""
    latitude = sum(y for y, _ in points) / len(points)
    longitude = sum(x for _, x in points) / len(points)

    def away(point):
        return math.hypot((point[1] - longitude) * math.cos(math.radians(latitude)), point[0] - latitude)

    for step in range(1, 400):
        far = max(points, key=away)
        latitude += (far[0] - latitude) / (step + 1)
        longitude += (far[1] - longitude) / (step + 1)
    # To the places that the file prints, so that the radius fits them.
    latitude, longitude = round(latitude, 3), round(longitude, 3)
    reach_m = away(max(points, key=away)) * geo.METRES_A_DEGREE
    return latitude, longitude, math.ceil(reach_m * 1.1 / 10_000) * 10_000


def unrolled(points):
    """Longitudes of a state that lies on both sides of 180 degrees, all west of it."""
    east = max(x for _, x in points)
    return [(y, x - 360 if x > 0 else x) for y, x in points] if east - min(x for _, x in points) > 180 else points


def quoted(names):
    # YAML reads some words as other things than text: NO, ON, N, Y.
    return ", ".join(f'"{name}"' if name.upper() in ("NO", "ON", "OFF", "YES", "N", "Y") else name for name in names)


def text_of(keys, note, by_hand=()):
    points = {}
    for row in by_hand:
        points.setdefault((row["country"], row["admin1"]), []).append((float(row["latitude"]), float(row["longitude"])))
    for place in towns.all_places():
        points.setdefault((place["countrycode"], towns.admin1_of(place)), []).append(
            (place["latitude"], place["longitude"]))
    lines = [f"# {note}", "# abbreviations repeats those of names that are no word of their own: they count after a town.",
             "states:"]
    for country, code in keys:
        names, short = next((names, short) for c, names, short in statenames.listed(country) if c == code)
        latitude, longitude, radius_m = circle(unrolled(points[(country, code)]))
        lines.append(
            f"  - {{country: {country}, admin1: {quoted([code])}, names: [{quoted(names + short)}], abbreviations: "
            f"[{quoted(short)}], latitude: {latitude}, longitude: {longitude}, radius_m: {radius_m}}}")
    return "\n".join(lines) + "\n"


def build(folder):
    keys = [(country, code) for country in ("US", "MX") for code, _, _ in statenames.listed(country)]
    note = "States of both countries. Names by hand, circles from GeoNames: scripts/reference/states.py."
    return {"places/states.yaml": text_of(keys, note, geo.read_csv(folder / "places" / "towns-by-hand.csv"))}
