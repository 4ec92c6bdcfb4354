"""Runs the push script of a group over records, without Kafka: <push.py> <push.json> <url>, with a list of records on standard input."""
import importlib.util
import json
import sys


class Message:
    def __init__(self, value):
        self.bytes = value if isinstance(value, bytes) else json.dumps(value).encode()

    def value(self):
        return self.bytes

    def key(self):
        return b"key"

    def headers(self):
        return []

    def topic(self):
        return "topic"

    def partition(self):
        return 0

    def offset(self):
        return 0

    def error(self):
        return None


class DeadLetters:
    def __init__(self):
        self.letters = []

    def produce(self, topic, value, key, headers, on_delivery):
        on_delivery(None, value)
        self.letters.append([topic, value.decode(errors="replace"), dict(headers)["millrace.error"].decode()])

    def flush(self, _timeout):
        return 0


class Registry:
    """The one schema that Avro records have."""

    def __init__(self, schema):
        import fastavro

        self.parsed = fastavro.parse_schema(schema)

    def encode(self, record):
        import io

        import fastavro

        out = io.BytesIO()
        fastavro.schemaless_writer(out, self.parsed, record)
        return b"\x00" + (7).to_bytes(4, "big") + out.getvalue()


def main(script, spec_file, url):
    loaded = importlib.util.spec_from_file_location("push", script)
    push = importlib.util.module_from_spec(loaded)
    loaded.loader.exec_module(push)
    # It lies beside the script, which finds it there.
    import records

    spec = json.load(open(spec_file))
    given = json.load(sys.stdin)
    letters, metrics = DeadLetters(), push.Metrics(spec)
    decoder = records.Decoder(spec, None)
    given_records = given["records"]
    if spec["format"] == "AVRO":
        registry = Registry(given["schema"])
        decoder.schemas[7] = records.avro_schema(json.dumps(given["schema"]))
        given_records = [registry.encode(record) if isinstance(record, dict) else record.encode() for record in given_records]
    worker = push.Worker(spec, None, letters, decoder, url, metrics)
    worker.handle([Message(record) for record in given_records])
    print(json.dumps({"deadLetters": letters.letters, "metrics": metrics.text()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
