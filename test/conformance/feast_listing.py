"""Prints what a registry of Feast knows, and what Redis holds: <folder of feature_store.yaml> <port of Redis>"""
import json
import os
import sys

import redis
from feast import FeatureStore


def main(folder, port):
    store = FeatureStore(repo_path=folder)
    server = redis.Redis(port=int(port))
    views = {
        view.name: {
            "owner": view.owner,
            "ttl": view.ttl.total_seconds(),
            "tags": dict(view.tags),
            "entities": view.entities,
            "online": view.online,
            "timestamp": view.batch_source.timestamp_field,
            "push": view.stream_source.name,
            "columns": {column.name: [str(column.dtype), column.description] for column in [*view.entity_columns, *view.features]},
        }
        for view in store.list_feature_views()
    }
    entities = {entity.name: [[entity.join_key], entity.value_type.name] for entity in store.list_entities() if entity.name != "__dummy"}
    keys = list(server.scan_iter(count=1000))
    ttls = sorted({server.ttl(key) for key in keys[:100]})
    print(json.dumps({"views": views, "entities": entities, "keys": len(keys), "ttls": ttls, "memory": server.info("memory")["used_memory"]}))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
