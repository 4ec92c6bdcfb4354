/** Pushes the records of a topic to a feature view, beside `records.py`. */
export const PUSH_SCRIPT = String.raw`"""Pushes the records of a topic to a feature view of Feast: <push.json>"""
import datetime
import http.client
import http.server
import json
import logging
import math
import os
import signal
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from records import TIMEOUT, UTC, Decoder, Unfit, map_record, payloads

log = logging.getLogger("push")
BUCKETS = [0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 14400.0, 86400.0]
MOVED = ("ILLEGAL_GENERATION", "REBALANCE_IN_PROGRESS", "UNKNOWN_MEMBER_ID", "_NO_OFFSET")


COUNTERS = {
    "records": "Records read.",
    "late_records": "Records that were older than promised when they became readable.",
    "dead_letters": "Records that cannot be mapped.",
    "pushes": "Pushes that Feast took.",
    "push_failures": "Attempts to push or to find a schema that failed.",
}


class Stopped(Exception):
    """The pod is told to stop; what is not committed is read again."""


def push(url, body):
    request = urllib.request.Request(f"{url}/push", json.dumps(body).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
        answer.read()


class Metrics:
    def __init__(self, spec):
        self.label = f'project="{spec["project"]}",view="{spec["view"]}"'
        self.promise, self.lock = spec.get("freshness", math.inf), threading.Lock()
        self.counts = {name: 0 for name in COUNTERS}
        self.buckets, self.sum, self.seen, self.alive = [0] * len(BUCKETS), 0.0, 0, time.monotonic()

    def add(self, name, by=1):
        with self.lock:
            self.counts[name] += by

    def fresh(self, seconds):
        with self.lock:
            self.sum += seconds
            self.seen += 1
            self.counts["late_records"] += seconds > self.promise
            for at, bound in enumerate(BUCKETS):
                self.buckets[at] += seconds <= bound

    def text(self):
        label = self.label
        with self.lock:
            lines = []
            for key, count in self.counts.items():
                name = f"millrace_feature_{key}_total"
                lines += [f"# HELP {name} {COUNTERS[key]}", f"# TYPE {name} counter", f"{name}{{{label}}} {count}"]
            name = "millrace_feature_freshness_seconds"
            lines += [f"# HELP {name} Age of a value when it became readable.", f"# TYPE {name} histogram"]
            lines += [f'{name}_bucket{{{label},le="{bound}"}} {count}' for bound, count in zip(BUCKETS, self.buckets)]
            lines += [f'{name}_bucket{{{label},le="+Inf"}} {self.seen}', f"{name}_sum{{{label}}} {self.sum}", f"{name}_count{{{label}}} {self.seen}"]
        return "\n".join(lines) + "\n"

    def serve(self, port):
        metrics = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                # A loop that has not come round for five minutes hangs.
                well = self.path in ("/metrics", "/readyz") or time.monotonic() - metrics.alive < 300
                body = metrics.text().encode() if self.path == "/metrics" else b"ok\n"
                self.send_response(200 if well else 500)
                self.send_header("content-type", "text/plain; version=0.0.4")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("", port), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server


def client_settings():
    settings = {"bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"], "security.protocol": os.environ["KAFKA_SECURITY_PROTOCOL"]}
    settings["ssl.ca.location"] = os.environ["KAFKA_SSL_CA_LOCATION"]
    if "KAFKA_SSL_CERTIFICATE_LOCATION" in os.environ:
        settings["ssl.certificate.location"] = os.environ["KAFKA_SSL_CERTIFICATE_LOCATION"]
        settings["ssl.key.location"] = os.environ["KAFKA_SSL_KEY_LOCATION"]
    else:
        password = Path(os.environ["KAFKA_SASL_PASSWORD_LOCATION"]).read_text().strip()
        settings |= {"sasl.mechanism": "SCRAM-SHA-512", "sasl.username": os.environ["KAFKA_SASL_USERNAME"], "sasl.password": password}
    return settings


class Worker:
    """Reads, maps, pushes and then commits, so that a record is pushed at least once."""

    def __init__(self, spec, consumer, producer, decoder, url, metrics):
        self.spec, self.consumer, self.producer, self.decoder, self.url, self.metrics = spec, consumer, producer, decoder, url, metrics
        self.running, self.undelivered = True, None

    def stop(self, *_):
        self.running = False

    def run(self):
        try:
            while self.running:
                self.metrics.alive = time.monotonic()
                messages = self.consumer.consume(self.spec["batch"], timeout=1.0)
                for message in messages:
                    if message.error():
                        raise RuntimeError(message.error().str())
                if messages:
                    self.handle(messages)
                    self.commit()
        except Stopped:
            log.info("stopped; what is not committed is read again")
        finally:
            self.consumer.close()

    def commit(self):
        try:
            self.consumer.commit(asynchronous=False)
        except Exception as error:
            # The partitions are somebody else's by now, who reads the records again.
            if not error.args or not hasattr(error.args[0], "name") or error.args[0].name() not in MOVED:
                raise
            log.warning("not committed: %s", error)

    def handle(self, messages):
        rows = []
        for message in messages:
            if message.value() is None:
                continue
            try:
                rows.append(map_record(self.retried(lambda: self.decoder.decode(message.value())), self.spec))
            except Unfit as error:
                self.dead_letter(message, error)
        for body in payloads(rows, self.spec):
            self.retried(lambda: push(self.url, body))
            self.metrics.add("pushes")
        now = datetime.datetime.now(UTC)
        for _, when in rows:
            self.metrics.fresh((now - when).total_seconds())
        self.metrics.add("records", len(messages))
        if self.producer is not None and (self.producer.flush(TIMEOUT) > 0 or self.undelivered):
            raise RuntimeError(f"the dead-letter topic did not take a record: {self.undelivered or 'no answer'}")

    def retried(self, work):
        """Feast and the registry may restart: what failed is tried until it succeeds or the pod is told to stop."""
        wait = 0.5
        while self.running:
            try:
                return work()
            except (OSError, http.client.HTTPException) as error:
                detail = error.read().decode(errors="replace")[:500] if isinstance(error, urllib.error.HTTPError) else ""
                self.metrics.add("push_failures")
                self.metrics.alive = time.monotonic()
                log.warning("%s %s; again in %s s", error, detail, wait)
                self.sleep(wait)
                wait = min(30, wait * 2)
        raise Stopped

    def sleep(self, seconds):
        """Sleeps in short steps: a signal does not wake Python up for good."""
        end = time.monotonic() + seconds
        while self.running and time.monotonic() < end:
            time.sleep(0.2)

    def delivered(self, error, _message):
        if error is not None:
            self.undelivered = error

    def dead_letter(self, message, error):
        if self.producer is None:
            raise error
        self.metrics.add("dead_letters")
        origin = {"error": str(error)[:500], "topic": message.topic(), "partition": str(message.partition()), "offset": str(message.offset())}
        headers = [*(message.headers() or []), *((f"millrace.{name}", text.encode(errors="replace")) for name, text in origin.items())]
        log.warning("%s [%s] at %s: %s", message.topic(), message.partition(), message.offset(), error)
        self.producer.produce(self.spec["deadLetterTopic"], message.value(), message.key(), headers=headers, on_delivery=self.delivered)


def main(file):
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    import confluent_kafka

    spec = json.loads(Path(file).read_text())
    group = {"group.id": spec["groupId"], "enable.auto.commit": False, "auto.offset.reset": "earliest"}
    consumer = confluent_kafka.Consumer(client_settings() | group)
    producer = confluent_kafka.Producer(client_settings() | {"enable.idempotence": True}) if "deadLetterTopic" in spec else None
    metrics = Metrics(spec)
    metrics.serve(spec["port"])
    worker = Worker(spec, consumer, producer, Decoder(spec, os.environ["SCHEMA_REGISTRY_URL"] if spec["format"] == "AVRO" else None), os.environ["FEAST_URL"], metrics)
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, worker.stop)
    consumer.subscribe([spec["topic"]])
    worker.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
`;
