"""Reference data against oracles: containment, distances and orientation computed here, not by the recipes' code."""

import csv
import datetime
import json
import math
import pathlib
import re
import unicodedata
import unittest

import yaml
from geographiclib.geodesic import Geodesic

REFERENCE = pathlib.Path(__file__).resolve().parents[2] / "seeds" / "reference"
PROFILES = ["us-mx.yaml", "us-ca/profile.yaml"]
KINDS = {"water", "river", "range", "road", "desert", "checkpoint", "deployment", "region"}
TOWN_COLUMNS = ["geoname_id", "name", "country", "admin1", "latitude", "longitude", "population", "timezone",
                "touches_line", "aliases", "admin2"]


def rows(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def columns(path):
    with open(path, encoding="utf-8", newline="") as file:
        return next(csv.reader(file))


def folded(name):
    plain = unicodedata.normalize("NFD", name)
    return "".join(c for c in plain if not unicodedata.combining(c)).casefold().replace("-", " ")


def names_of(row):
    return [row["name"]] + [alias for alias in row["aliases"].split("|") if alias]


def metres(a, b):
    """Between (latitude, longitude) pairs, on the ellipsoid."""
    return Geodesic.WGS84.Inverse(*a, *b, Geodesic.DISTANCE)["s12"]


class Profile:
    def __init__(self, name):
        self.path = REFERENCE / name
        self.data = yaml.safe_load(self.path.read_text(encoding="utf-8"))
        self.line = json.loads(self.file("line").read_text(encoding="utf-8"))
        self.points = self.line["geometry"]["coordinates"]
        self.towns = [row for path in self.data["towns"] for row in rows(self.path.parent / path)]
        self.crossings = rows(self.file("crossings"))
        self.states = yaml.safe_load(self.file("states").read_text(encoding="utf-8"))["states"]
        self.outlines = json.loads(self.file("countries").read_text(encoding="utf-8"))

    def file(self, key):
        return self.path.parent / self.data[key]

    def country_of(self, latitude, longitude):
        """By the even-odd rule over all rings of a feature."""
        found = []
        for feature in self.outlines["features"]:
            odd = False
            for polygon in feature["geometry"]["coordinates"]:
                for ring in polygon:
                    for (ax, ay), (bx, by) in zip(ring, ring[1:]):
                        if (ay > latitude) != (by > latitude):
                            odd ^= longitude < ax + (latitude - ay) / (by - ay) * (bx - ax)
            if odd:
                found.append(feature["properties"]["country"])
        return found

    def foot(self, latitude, longitude):
        """(metres to the line, which side), by the nearest segment on a local plane. No side where the foot is a vertex."""
        scale = math.cos(math.radians(latitude))
        best = (math.inf, 0.0)
        for (ax, ay), (bx, by) in zip(self.points, self.points[1:]):
            ux, uy, vx, vy = (bx - ax) * scale, by - ay, (longitude - ax) * scale, latitude - ay
            length = ux * ux + uy * uy
            t = max(0.0, min(1.0, (vx * ux + vy * uy) / length)) if length else 0.0
            away = math.hypot(vx - t * ux, vy - t * uy) * 111_195
            if away < best[0]:
                best = away, ux * vy - uy * vx if 0 < t < 1 else 0.0
        return best[0], "left" if best[1] > 0 else "right" if best[1] < 0 else None


class Profiles(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.profiles = [Profile(name) for name in PROFILES]

    def test_descriptors_name_what_there_is(self):
        for profile in self.profiles:
            for key in ("line", "stretches", "crossings", "countries", "states"):
                self.assertTrue(profile.file(key).is_file(), f"{profile.path}: {key}")
            sides = {side: profile.data[side]["country"] for side in ("left", "right")}
            properties = profile.line["properties"]
            self.assertEqual(sides, {"left": properties["left"], "right": properties["right"]})
            self.assertEqual({profile.data[side]["into"] for side in sides}, {"northbound", "southbound"})
            held = [feature["properties"]["country"] for feature in profile.outlines["features"]]
            self.assertEqual(held, list(sides.values()))

    def test_towns_lie_in_their_country(self):
        for profile in self.profiles:
            for town in profile.towns:
                latitude, longitude = float(town["latitude"]), float(town["longitude"])
                found = profile.country_of(latitude, longitude)
                self.assertEqual(found, [town["country"]], town)

    def test_the_line_has_the_left_country_on_its_left(self):
        for profile in self.profiles:
            seen = set()
            for town in profile.towns:
                position = float(town["latitude"]), float(town["longitude"])
                near = min(abs(position[0] - y) + abs(position[1] - x) for x, y in profile.points[::4])
                if near > 0.5:
                    continue
                away, side = profile.foot(*position)
                if side and 600 < away < 12_000:
                    self.assertEqual(profile.data[side]["country"], town["country"], town)
                    seen.add(side)
            self.assertEqual(seen, {"left", "right"})

    def test_stretches_cover_the_line(self):
        for profile in self.profiles:
            stretches = rows(profile.file("stretches"))
            bounds = [(int(row["from_index"]), int(row["to_index"])) for row in stretches]
            self.assertEqual([a for a, _ in bounds], [0] + [b for _, b in bounds[:-1]])
            self.assertEqual(bounds[-1][1], len(profile.points) - 1)
            self.assertTrue(all(float(row["accuracy_m"]) > 0 for row in stretches))

    def test_crossings_lie_on_the_line_and_join_towns_of_both_sides(self):
        for profile in self.profiles:
            identifiers = [crossing["id"] for crossing in profile.crossings]
            self.assertEqual(len(identifiers), len(set(identifiers)))
            for crossing in profile.crossings:
                here = float(crossing["latitude"]), float(crossing["longitude"])
                self.assertLess(profile.foot(*here)[0], 3_000, crossing["id"])
                for side in ("left", "right"):
                    name, country = crossing[f"{side}_town"], profile.data[side]["country"]
                    near = [
                        town for town in profile.towns
                        if town["country"] == country and folded(name) in map(folded, names_of(town))
                        and metres(here, (float(town["latitude"]), float(town["longitude"]))) < 35_000
                    ]
                    if name != "Big Bend":  # a region, not a town
                        self.assertTrue(near, f"{crossing['id']}: no {name} near in {country}")
                names = [folded(alias) for alias in crossing["aliases"].split("|")]
                self.assertEqual(len(names), len(set(names)), crossing["id"])

    def test_states_hold_their_towns(self):
        for profile in self.profiles:
            states = {(state["country"], state["admin1"]): state for state in profile.states}
            self.assertEqual(len(states), len(profile.states))
            outside = []
            for town in profile.towns:
                state = states[(town["country"], town["admin1"])]
                middle = state["latitude"], state["longitude"]
                if metres(middle, (float(town["latitude"]), float(town["longitude"]))) > state["radius_m"]:
                    outside.append((town["name"], town["admin1"]))
                self.assertTrue(set(state["abbreviations"]) <= set(state["names"]))
                self.assertTrue(all(isinstance(name, str) for name in state["names"] + [state["admin1"]]))
            self.assertEqual(outside, [])
        self.assertEqual(sum(state["country"] == "US" for state in self.profiles[0].states), 51)
        self.assertEqual(sum(state["country"] == "MX" for state in self.profiles[0].states), 32)

    def test_towns_are_written_as_agreed(self):
        for profile in self.profiles:
            for path in profile.data["towns"]:
                self.assertEqual(columns(profile.path.parent / path), TOWN_COLUMNS)
            seen = set()
            for town in profile.towns:
                key = town["geoname_id"] or (town["country"], town["admin1"], town["name"])
                self.assertNotIn(key, seen)
                seen.add(key)
                names = [folded(name) for name in names_of(town)]
                self.assertEqual(len(names), len(set(names)), town)
                self.assertTrue(all(len(alias) > 3 for alias in names[1:]), town)
                self.assertIn(town["touches_line"], ("yes", "no"))
                self.assertGreaterEqual(int(town["population"]), 0)
        size = (REFERENCE / "places/towns.csv").stat().st_size
        self.assertLess(size, 700_000)

    def test_rings_are_closed_and_no_ring_crosses_180_degrees(self):
        for profile in self.profiles:
            vertices = 0
            for feature in profile.outlines["features"]:
                self.assertEqual(feature["geometry"]["type"], "MultiPolygon")
                for polygon in feature["geometry"]["coordinates"]:
                    for index, ring in enumerate(polygon):
                        vertices += len(ring)
                        self.assertGreaterEqual(len(ring), 4)
                        self.assertEqual(ring[0], ring[-1])
                        pairs = list(zip(ring, ring[1:]))
                        self.assertTrue(all(abs(a[0] - b[0]) < 180 and a != b for a, b in pairs))
                        twice = sum(a[0] * b[1] - b[0] * a[1] for a, b in pairs)
                        self.assertEqual(twice > 0, index == 0)
            self.assertLess(vertices, 15_000)


class UnitedStatesAndMexico(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.profile = Profile("us-mx.yaml")
        cls.features = rows(cls.profile.file("features"))

    def test_outlines_hold_what_they_should_and_no_more(self):
        for name, latitude, longitude, country in [
            ("Vancouver", 49.2497, -123.1193, None), ("Toronto", 43.7064, -79.3986, None),
            ("Windsor", 42.3001, -83.0165, None), ("Havana", 23.1330, -82.3830, None),
            ("Guatemala City", 14.6407, -90.5133, None), ("Belize City", 17.4995, -88.1976, None),
            ("Nassau", 25.0582, -77.3431, None), ("Guantanamo Bay", 19.93, -75.15, None),
            ("San Juan, Puerto Rico", 18.4663, -66.1057, None), ("Saint Petersburg", 59.9386, 30.3141, None),
            ("high seas of the Pacific", 30.0, -125.0, None), ("middle of the Gulf of Mexico", 25.0, -91.0, None),
            ("Anadyr", 64.7333, 177.5167, None), ("Ayutla, Guatemala", 14.66, -92.10, None),
            ("San Diego", 32.7157, -117.1647, "US"), ("Anchorage", 61.2181, -149.9003, "US"),
            ("Honolulu", 21.3069, -157.8583, "US"), ("Key West", 24.5552, -81.7816, "US"),
            ("Detroit", 42.3314, -83.0458, "US"), ("Buffalo", 42.8865, -78.8784, "US"),
            ("Attu", 52.9, 172.9, "US"), ("Adak", 51.88, -176.64, "US"), ("Point Roberts", 48.985, -123.07, "US"),
            ("Navajo Nation, Window Rock", 35.6806, -109.0526, "US"), ("Utqiagvik", 71.2906, -156.7886, "US"),
            ("Tijuana", 32.5027, -117.0037, "MX"), ("Cancun", 21.1743, -86.8466, "MX"),
            ("Tapachula", 14.9056, -92.2630, "MX"), ("Cozumel", 20.5083, -86.9458, "MX"),
            ("Isla Guadalupe", 29.03, -118.28, "MX"), ("Isla Socorro", 18.79, -110.97, "MX"),
            ("Sea of Cortez off Puerto Penasco", 31.25, -113.65, "MX"), ("off Brownsville", 26.0, -97.10, "US"),
        ]:
            self.assertEqual(self.profile.country_of(latitude, longitude), [country] if country else [], name)

    def test_outline_and_line_agree_along_the_border(self):
        for index in range(20, len(self.profile.points) - 5, 61):
            (ax, ay), (bx, by) = self.profile.points[index], self.profile.points[index + 1]
            x, y = (ax + bx) / 2, (ay + by) / 2
            for step in (0.003, -0.003):
                away, side = self.profile.foot(y + step, x)
                if side and away > 150:
                    self.assertEqual(
                        self.profile.country_of(y + step, x), [self.profile.data[side]["country"]], (y + step, x))

    def test_namesakes_are_there(self):
        held = {(town["name"], town["country"], town["admin1"]) for town in self.profile.towns}
        for place in [
            ("Nogales", "MX", "SON"), ("Nogales", "US", "AZ"), ("Nogales", "MX", "VER"), ("Nogales", "MX", "DUR"),
            ("Columbus", "US", "NM"), ("Columbus", "US", "OH"), ("Columbus", "US", "GA"), ("Douglas", "US", "AZ"),
            ("Douglas", "US", "WY"), ("Mexico", "US", "MO"), ("Mexico City", "MX", "CMX"), ("Naco", "US", "AZ"),
            ("Naco", "MX", "SON"), ("Sasabe", "US", "AZ"), ("Sásabe", "MX", "SON"), ("San Luis", "US", "AZ"),
            ("San Luis Río Colorado", "MX", "SON"), ("San Luis Potosí", "MX", "SLP"), ("Laredo", "US", "TX"),
            ("Nuevo Laredo", "MX", "TAM"), ("Tecate", "US", "CA"), ("Tecate", "MX", "BCN"), ("Sonoita", "US", "AZ"),
            ("Sonoyta", "MX", "SON"), ("Matamoros", "MX", "COA"), ("Heroica Matamoros", "MX", "TAM"),
            ("Guadalupe", "MX", "NLE"), ("Guadalupe", "MX", "CHH"), ("Hidalgo", "US", "TX"), ("Why", "US", "AZ"),
            ("Lukeville", "US", "AZ"), ("Antelope Wells", "US", "NM"), ("Arivaca", "US", "AZ"), ("Sells", "US", "AZ"),
            ("Nevada", "US", "MO"), ("Sonora", "US", "CA"), ("Washington", "US", "DC"), ("Hermosillo", "MX", "SON"),
            ("Chihuahua", "MX", "CHH"), ("Veracruz", "MX", "VER"), ("El Paso", "US", "TX"), ("El Paso", "US", "IL"),
        ]:
            self.assertIn(place, held)

    def test_aliases_lead_to_their_town(self):
        lead = {}
        for town in self.profile.towns:
            for name in names_of(town):
                lead.setdefault(folded(name), set()).add((town["name"], town["admin1"]))
        for alias, name, admin1 in [
            ("Heroica Nogales", "Nogales", "SON"), ("H. Nogales", "Nogales", "SON"), ("Caborca", "Heroica Caborca", "SON"),
            ("Juarez", "Ciudad Juárez", "CHH"), ("Juarez City", "Ciudad Juárez", "CHH"),
            ("Cd. Juárez", "Ciudad Juárez", "CHH"), ("SLRC", "San Luis Río Colorado", "SON"),
            ("Acuña", "Ciudad Acuña", "COA"), ("cd. acuna", "Ciudad Acuña", "COA"),
            ("Matamoros", "Heroica Matamoros", "TAM"), ("Miguel Aleman", "Ciudad Miguel Alemán", "TAM"),
            ("Nvo. Laredo", "Nuevo Laredo", "TAM"), ("Rocky Point", "Puerto Peñasco", "SON"),
            ("El Sasabe", "Sásabe", "SON"), ("Puerto Palomas", "Puerto Palomas de Villa", "CHH"),
            ("Palomas", "Puerto Palomas de Villa", "CHH"), ("Algodones", "Los Algodones", "BCN"),
            ("Playas de Rosarito", "Rosarito", "BCN"), ("Ciudad de Mexico", "Mexico City", "CMX"),
            ("Magdalena", "Magdalena de Kino", "SON"), ("Ciudad Mier", "Mier", "TAM"),
            ("Gustavo Diaz Ordaz", "Ciudad Gustavo Díaz Ordaz", "TAM"), ("Rio Bravo", "Ciudad Río Bravo", "TAM"),
            ("Camargo", "Ciudad Camargo", "TAM"), ("Guaymas", "Heroica Guaymas", "SON"),
            ("New York", "New York City", "NY"), ("Boquillas", "Boquillas del Carmen", "COA"),
        ]:
            self.assertIn((name, admin1), lead.get(folded(alias), set()), alias)
        # Words and surnames that were names of a town somewhere.
        for word in ("Centro", "Aduana", "García", "Medina", "Reyes", "Line", "Paso", "Border", "Puerta"):
            self.assertFalse(any(folded(word) in map(folded, town["aliases"].split("|")) for town in self.profile.towns))

    def test_counties_and_municipalities(self):
        held = {(town["name"], town["admin1"]): town["admin2"] for town in self.profile.towns}
        for name, admin1, admin2 in [
            ("Nogales", "AZ", "Santa Cruz County"), ("Nogales", "SON", "Nogales"), ("Douglas", "AZ", "Cochise County"),
            ("Sonoyta", "SON", "General Plutarco Elías Calles"), ("Tijuana", "BCN", "Tijuana"),
            ("Ciudad Juárez", "CHH", "Juárez"), ("Heroica Matamoros", "TAM", "Matamoros"), ("Sells", "AZ", "Pima County"),
            ("El Paso", "TX", "El Paso County"), ("Laredo", "TX", "Webb County"), ("Piedras Negras", "COA", "Piedras Negras"),
            ("Puerto Palomas de Villa", "CHH", "Ascensión"), ("San Diego", "CA", "San Diego County"),
        ]:
            self.assertEqual(held[(name, admin1)], admin2, name)
        self.assertGreater(sum(bool(value) for value in held.values()) / len(held), 0.85)

    def test_features_are_written_as_agreed(self):
        self.assertEqual(columns(self.profile.file("features")), [
            "id", "kind", "name", "country", "admin1", "latitude", "longitude", "radius_m", "touches_line",
            "valid_from", "valid_to", "aliases"])
        identifiers = [feature["id"] for feature in self.features]
        self.assertEqual(len(identifiers), len(set(identifiers)))
        self.assertEqual({feature["kind"] for feature in self.features}, KINDS)
        states = {(state["country"], state["admin1"]) for state in self.profile.states}
        for feature in self.features:
            names = [folded(name) for name in names_of(feature)]
            self.assertEqual(len(names), len(set(names)), feature["id"])
            self.assertRegex(feature["id"], re.compile(r"^[a-z0-9-]+$"))
            if feature["admin1"]:
                self.assertIn((feature["country"], feature["admin1"]), states)
            dates = [datetime.date.fromisoformat(feature[key]) for key in ("valid_from", "valid_to") if feature[key]]
            self.assertEqual(dates, sorted(dates))
            away, _ = self.profile.foot(float(feature["latitude"]), float(feature["longitude"]))
            if feature["touches_line"] == "yes":
                self.assertLess(away, float(feature["radius_m"]) * 1.15 + 2_000, feature["id"])
            elif feature["kind"] == "checkpoint" and feature["country"] == "US":
                self.assertGreater(away, 5_000, feature["id"])
        self.assertTrue(any(feature["valid_from"] for feature in self.features))

    def test_features_of_one_state_lie_there(self):
        """Their middle is near a town of that state, and in its country."""
        for feature in self.features:
            if not feature["admin1"]:
                continue
            here = float(feature["latitude"]), float(feature["longitude"])
            near = [
                metres(here, (float(town["latitude"]), float(town["longitude"]))) for town in self.profile.towns
                if (town["country"], town["admin1"]) == (feature["country"], feature["admin1"])
                and abs(float(town["latitude"]) - here[0]) < 1.5 and abs(float(town["longitude"]) - here[1]) < 1.5
            ]
            self.assertLess(min(near, default=math.inf), 100_000, feature["id"])
            if float(feature["radius_m"]) < 30_000:
                if self.profile.foot(*here)[0] > 500:
                    self.assertEqual(self.profile.country_of(*here), [feature["country"]], feature["id"])

    def test_named_things_are_there(self):
        lead = {folded(name) for feature in self.features for name in names_of(feature)}
        for name in [
            "Sea of Cortez", "Mar de Cortés", "Golfo de California", "Gulf of California", "Golfo de México",
            "Océano Pacífico", "Río Bravo", "Rio Grande", "Río Colorado", "I-8", "I-10", "I-19", "I-25", "I-35", "I-69E",
            "US 80", "US 90", "US 281", "US 83", "SR 85", "SR 86", "SR 90", "SR 286", "SR 80", "carretera federal 2",
            "carretera federal 15", "Federal Highway 8", "MX-1", "MX-3", "MX-45", "MX-57", "MX-85", "MX-97", "MX-101",
            "Baboquivari", "Pinacate", "Sierra Madre Occidental", "Tohono O'odham Nation", "Big Bend", "Falfurrias checkpoint",
            "retén de Querobabi", "Gran Desierto de Altar", "Valle Imperial", "Organ Pipe",
        ]:
            self.assertIn(folded(name), lead)


if __name__ == "__main__":
    unittest.main()
