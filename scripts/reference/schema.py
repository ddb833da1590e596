"""The JSON Schema of an event, with the closed lists that are data."""

import json

import yaml


def text(most, least=0):
    return {"type": "string", "minLength": least, "maxLength": most}


def words(*values):
    return {"enum": list(values)}


def build(folder):
    lists = yaml.safe_load((folder / "categories.yaml").read_text(encoding="utf-8"))
    categories = [entry["name"] for entry in lists["categories"]]
    kinds = [entry["name"] for entry in lists["commodities"]]
    count = {"type": "integer", "minimum": 0, "maximum": 1_000_000}
    identifier = {"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,64}$"}
    date_time = {"type": "string", "format": "date-time"}
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:enlace:incident",
        "title": "Incident",
        "description": "One event as a gateway sends it. The pipeline adds ingest, cross_border and release; an event "
        "that brings them is refused, as is one with a field that names or profiles a person at any depth "
        "(person-fields.yaml). Lengths are in characters here and in UTF-8 bytes in the pipeline.",
        "type": "object",
        "required": ["occurred_at", "station", "category"],
        "unevaluatedProperties": False,
        "properties": {
            "id": identifier,
            "occurred_at": {**date_time, "description": "RFC 3339 with an offset."},
            "time_precision": words("exact", "hour", "day", "week", "month", "year"),
            "time_basis": words("observed", "reported"),
            "status": words("actual", "exercise", "test"),
            "station": {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,31}$"},
            "source": text(256),
            "category": {"enum": categories},
            "offences": {"type": "array", "maxItems": 16, "items": {"enum": categories}},
            "severity": words("extreme", "severe", "moderate", "minor", "unknown"),
            "location": {
                "type": "object",
                "additionalProperties": False,
                "dependentRequired": {"lat": ["lon"], "lon": ["lat"]},
                "properties": {
                    "lat": {"type": "number", "minimum": -90, "maximum": 90},
                    "lon": {"type": "number", "minimum": -180, "maximum": 180},
                    "accuracy_m": {"type": "number", "minimum": 0, "maximum": 1_000_000},
                    "place": text(256),
                    "country": {"type": "string", "pattern": "^[A-Z]{2}$"},
                },
            },
            "direction": words("northbound", "southbound", "both", "none", "unknown"),
            "mode": words("land", "maritime", "air", "tunnel"),
            "persons": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    role: count for role in ("victims", "injured", "killed", "detained", "rescued", "minors")
                },
            },
            "commodities": {
                "type": "array",
                "maxItems": 8,
                "items": {
                    "type": "object",
                    "required": ["kind"],
                    "additionalProperties": False,
                    "properties": {
                        "kind": {"enum": kinds},
                        "quantity": {"type": "number", "minimum": 0, "maximum": 1e12},
                        "unit": text(32),
                    },
                },
            },
            "narrative": text(16 * 1024),
            "related": {"type": "array", "maxItems": 32, "items": identifier},
            "handling": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "tlp": words("CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED", "WHITE"),
                    "retain_until": date_time,
                    "purpose": text(256),
                },
            },
            "traceparent": {"type": "string", "pattern": "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"},
            "extra": {"type": "object", "description": "At most 4096 bytes of JSON."},
        },
    }
    return {"incident.schema.json": json.dumps(schema, indent=2, ensure_ascii=False) + "\n"}
