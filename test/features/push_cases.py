"""Runs push.py and records.py of the folder given with a Feast, a Kafka and a registry that are played; prints what came of it as JSON."""
import datetime
import http.server
import json
import signal
import sys
import threading
import time

sys.path.insert(0, sys.argv[1])
import push
import records

SPEC = json.load(open(f"{sys.argv[1]}/push.json"))
NOW = datetime.datetime.now(datetime.timezone.utc)
MILLIS = int(NOW.timestamp() * 1000)


class Server:
    """Answers requests in turn with the statuses given, then with 200."""

    def __init__(self, *statuses, answer=b"{}"):
        self.statuses, self.bodies = list(statuses), []
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                server.bodies.append(json.loads(body) if body else self.path)
                status = server.statuses.pop(0) if server.statuses else 200
                if status == 0:
                    self.connection.close()
                    return
                self.send_response(status)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_POST

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"


class Message:
    def __init__(self, value, error=None):
        self.bytes, self.failure = value if isinstance(value, bytes) or value is None else json.dumps(value).encode(), error

    value = lambda self: self.bytes
    key = lambda self: b"key"
    headers = lambda self: [("trace", b"1")]
    topic = lambda self: "payments"
    partition = lambda self: 3
    offset = lambda self: 42
    error = lambda self: self.failure


class KafkaError:
    def __init__(self, name):
        self.called = name

    name = lambda self: self.called
    str = lambda self: self.called


class Consumer:
    def __init__(self, batches, commits=()):
        self.batches, self.commits, self.done, self.worker = list(batches), list(commits), [], None

    def consume(self, _count, timeout):
        if not self.batches:
            self.worker.stop()
            return []
        return self.batches.pop(0)

    def commit(self, asynchronous):
        failure = self.commits.pop(0) if self.commits else None
        self.done.append("commit" if failure is None else f"commit fails: {failure}")
        if failure:
            raise RuntimeError(KafkaError(failure))

    def close(self):
        self.done.append("close")


class Producer:
    def __init__(self, failure=None, left=0):
        self.failure, self.left, self.letters = failure, left, []

    def produce(self, topic, value, key, headers, on_delivery):
        self.letters.append([topic, value.decode(errors="replace"), key.decode(), {name: text.decode() for name, text in headers}])
        on_delivery(self.failure, None)

    def flush(self, _timeout):
        return self.left


def card(card_id="c1", amount=1.5, at=MILLIS):
    return {"cardId": card_id, "authorizedAt": at, "amount": amount}


def run(batches, statuses=(), producer=None, commits=(), spec=SPEC, before=None):
    feast = Server(*statuses)
    consumer, metrics = Consumer(batches, commits), push.Metrics(spec)
    worker = push.Worker(spec, consumer, producer, records.Decoder(spec, None), feast.url, metrics)
    consumer.worker = worker
    failure = None
    if before:
        before(worker)
    try:
        worker.run()
    except Exception as error:
        failure = f"{type(error).__name__}: {error}"
    lines = [line for line in metrics.text().splitlines() if not line.startswith("#") and "_bucket" not in line and "_sum" not in line]
    figures = {line.split("{")[0].removeprefix("millrace_feature_"): float(line.split()[-1]) for line in lines}
    return {"done": consumer.done, "pushed": feast.bodies, "failure": failure, "metrics": figures}


def mapped(record):
    try:
        row, when = records.map_record(record, SPEC)
        return [row, when.timestamp()]
    except records.Unfit as error:
        return str(error)


def time_of(value, encoding):
    try:
        return records.event_time_of(value, encoding).timestamp()
    except records.Unfit as error:
        return f"unfit: {error}"


def stopped():
    """A pod that is told to stop while Feast is away."""

    def stop_soon(worker):
        signal.signal(signal.SIGTERM, worker.stop)
        threading.Timer(1.0, lambda: signal.raise_signal(signal.SIGTERM)).start()

    started = time.monotonic()
    result = run([[Message(card())]], [503] * 100, before=stop_soon)
    return {**result, "seconds": time.monotonic() - started}


def schema_404(body):
    registry = Server(404, answer=body)
    decoder = records.Decoder({"format": "JSON"}, registry.url)
    try:
        decoder.schema(9)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def scrape():
    metrics = push.Metrics({**SPEC, "freshness": 60})
    metrics.fresh(59)
    metrics.fresh(61)
    return metrics.text()


letters = Producer()
avro = {"type": "record", "name": "A", "fields": [{"name": "a", "type": ["null", {"type": "string", "logicalType": "uuid"}]}]}
print(
    json.dumps(
        {
            "good": run([[Message(card()), Message(card("c2")), Message(None)], [Message(card("c1", 2.5)), Message(card("c1", 9, MILLIS - 5000))]]),
            "outage": run([[Message(card())]], [503, 0, 422]),
            "dead": {**run([[Message(card()), Message(b"{"), Message({"cardId": ""})]], producer=letters), "letters": letters.letters},
            "dead, refused": run([[Message(b"{")]], producer=Producer(failure="too large")),
            "dead, unanswered": run([[Message(b"{")]], producer=Producer(left=1)),
            "dead, nowhere": run([[Message(b"{")]]),
            "moved": run([[Message(card())], [Message(card())]], commits=["REBALANCE_IN_PROGRESS"]),
            "forbidden": run([[Message(card())], [Message(card())]], commits=["GROUP_AUTHORIZATION_FAILED"]),
            "broken": run([[Message(card(), KafkaError("UNKNOWN_TOPIC_OR_PART"))]]),
            "stopped": stopped(),
            "values": [
                mapped(card(amount=value))
                for value in [None, 3, float("nan"), True, "1", 10**400]
            ],
            "entities": [mapped(card(card_id=value)) for value in ["", None, 7, "\ud800"]],
            "whole": [records.value_of(value, "Integral", "n") for value in [True, 3.0, 2**63 - 1]],
            "records": [mapped(record) for record in [[], 1, {}]],
            "times": [
                time_of(1_700_000_000, "epochSeconds"),
                time_of(1_700_000_000.25, "epochSeconds"),
                time_of(1_700_000_000_001, "epochMillis"),
                time_of(1_700_000_000_000_001, "epochMicros"),
                time_of("2023-11-14T22:13:20Z", "iso8601"),
                time_of("2023-11-14t23:13:20+01:00", "iso8601"),
            ],
            "no times": [
                time_of(value, encoding)
                for value, encoding in [
                    ("2023-11-14T22:13:20", "iso8601"),
                    ("today", "iso8601"),
                    (True, "epochSeconds"),
                    (-1, "epochMillis"),
                    (MILLIS, "epochSeconds"),
                    (MILLIS + 2 * 86_400_000, "epochMillis"),
                    (float("nan"), "epochSeconds"),
                ]
            ],
            "soon": time_of(MILLIS + 3_600_000, "epochMillis") > 0,
            "avro": records.plain_avro(avro),
            "unknown schema": [schema_404(b'{"error_code":40403,"message":"Schema not found"}'), schema_404(b"<html>")],
            "scrape": scrape(),
        }
    )
)
sys.stdout.flush()
