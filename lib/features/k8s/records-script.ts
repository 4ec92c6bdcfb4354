/**
 * Makes features of records: functions of their own, which the conformance run calls with a real Feast. What is refused and what is left out
 * is the same as in the ingestion of the other flavour.
 *
 * What Feast 0.66 wants and does not say: all times of a push in one format, and no column of whole numbers that has gaps, because pandas makes
 * floats of those and rounds beyond 2^53.
 */
export const RECORDS_SCRIPT = String.raw`"""Takes records apart and makes features of them."""
import datetime
import http.client
import io
import json
import math
import urllib.error
import urllib.request

UTC = datetime.timezone.utc
SCALES = {"epochSeconds": 1, "epochMillis": 1000, "epochMicros": 1_000_000}
DAY = datetime.timedelta(days=1)
# What is under way when the pod is told to stop ends within its drain of a minute.
TIMEOUT = 20


class Unfit(Exception):
    """A record from which the features cannot be made: another try would not help."""


def parsed_time(value, encoding):
    if encoding == "iso8601":
        parsed = datetime.datetime.fromisoformat(value.upper().replace("Z", "+00:00"))
        if parsed.tzinfo is None:
            raise ValueError("no zone")
        return parsed
    scale = SCALES[encoding]
    if isinstance(value, bool):
        raise TypeError(value)
    if isinstance(value, int):
        seconds, rest = divmod(value, scale)
        return datetime.datetime.fromtimestamp(seconds, UTC) + datetime.timedelta(microseconds=rest * 1_000_000 // scale)
    return datetime.datetime.fromtimestamp(value / scale, UTC)


def event_time_of(value, encoding):
    try:
        parsed = parsed_time(value, encoding)
    except (TypeError, ValueError, OverflowError, OSError, AttributeError) as error:
        raise Unfit(f"event time {value!r} is no {encoding}") from error
    if parsed.timestamp() < 0:
        raise Unfit(f"event time {value!r} is before 1970")
    if parsed > datetime.datetime.now(UTC) + DAY:
        raise Unfit(f"event time {value!r} is more than a day ahead: it would hide all later records of its entity")
    return parsed


def value_of(value, feature_type, name):
    """A value as Feast takes it; None where there is none, such as NaN, which is no number to a model."""
    try:
        if value is None:
            return None
        if feature_type == "String" and isinstance(value, str):
            # Half of a surrogate pair is a text to JSON and to nothing behind it.
            value.encode()
            return value
        # 3.0 is a whole number to JSON Schema.
        if feature_type == "Integral" and (isinstance(value, int) or (isinstance(value, float) and value.is_integer())):
            if -(2**63) <= int(value) < 2**63:
                return int(value)
        if feature_type == "Fractional" and isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value) if math.isfinite(value) else None
    except (OverflowError, UnicodeEncodeError):
        pass
    raise Unfit(f"{name} is {value!r}, which is no {feature_type}")


def map_record(record, spec):
    """The features of a record by their names, and the time of the event."""
    if not isinstance(record, dict):
        raise Unfit("the record has no fields")
    row = {feature["name"]: value_of(record.get(feature["source"]), feature["type"], feature["name"]) for feature in spec["features"]}
    if row[spec["entityKey"]] in (None, ""):
        raise Unfit(f"no {spec['entityKey']}")
    return row, event_time_of(record.get(spec["eventTime"]["source"]), spec["eventTime"]["encoding"])


def payloads(rows, spec):
    """The bodies of the pushes for rows of (features, time): the latest of each entity, apart by which features they have."""
    latest = {}
    for row, time_of_event in rows:
        key = row[spec["entityKey"]]
        if spec["keepAll"]:
            key = (key, len(latest))
        if key not in latest or latest[key][1] <= time_of_event:
            latest[key] = (row, time_of_event)
    groups = {}
    for row, time_of_event in latest.values():
        groups.setdefault(tuple(value is None for value in row.values()), []).append((row, time_of_event))
    for members in groups.values():
        df = {feature["name"]: [row[feature["name"]] for row, _ in members] for feature in spec["features"]}
        df[spec["eventTime"]["name"]] = [when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f+00:00") for _, when in members]
        yield {"push_source_name": spec["pushSource"], "df": df, "to": spec["to"]}


def plain_avro(schema):
    """A schema without logical types: a feature is the number or the text below them, not a date or a UUID of Python."""
    if isinstance(schema, list):
        return [plain_avro(each) for each in schema]
    if isinstance(schema, dict):
        return {name: plain_avro(value) for name, value in schema.items() if name != "logicalType"}
    return schema


def avro_schema(text):
    import fastavro

    return fastavro.parse_schema(plain_avro(json.loads(text)))


class Decoder:
    """Takes the bytes of a record apart: JSON, or Avro with the id of its schema in front, in one byte of 0 and four of a number."""

    def __init__(self, spec, registry):
        self.format, self.registry, self.schemas = spec["format"], registry, {}
        self.reader = avro_schema(spec["schema"]) if self.format == "AVRO" else None

    def decode(self, value):
        try:
            framed = value[:1] == b"\x00"
            if self.format == "JSON":
                return json.loads(value[5:] if framed else value)
            if not framed:
                raise Unfit("the record does not begin with the id of a schema")
            import fastavro

            return fastavro.schemaless_reader(io.BytesIO(value[5:]), self.schema(int.from_bytes(value[1:5], "big")), self.reader)
        except (Unfit, OSError, http.client.HTTPException):
            raise
        except Exception as error:
            raise Unfit(f"not to be decoded: {error}") from error

    def schema(self, schema_id):
        if schema_id not in self.schemas:
            try:
                with urllib.request.urlopen(f"{self.registry}/schemas/ids/{schema_id}", timeout=TIMEOUT) as answer:
                    self.schemas[schema_id] = avro_schema(json.load(answer)["schema"])
            except urllib.error.HTTPError as error:
                # Another 404 than that of the registry itself is one of the way to it, and may pass.
                if error.code != 404 or b"40403" not in error.read():
                    raise
                raise Unfit(f"nobody knows the schema {schema_id} it was written with") from error
        return self.schemas[schema_id]
`;
