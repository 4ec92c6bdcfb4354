/**
 * Applies the definitions of a store. `feast apply` would drop what is not in its folder, with its tables; this one drops only views whose own
 * tag says so. It makes `feature_store.yaml` of the settings of the store and of the secrets, as the operator does for the servers.
 */
export const APPLY_SCRIPT = String.raw`"""Applies feature definitions to a Feast registry: <store.json> <folder of definitions> <folder to work in>"""
import json
import os
import shutil
import sys
from pathlib import Path

import yaml

REMOVAL_TAG = "millrace.io/removal"


def prepare(store_file, definitions, work):
    """Writes feature_store.yaml and copies the definitions beside it."""
    store = json.loads(Path(store_file).read_text())
    secrets = store.pop("secrets")
    for section, file in secrets.items():
        settings = yaml.safe_load(Path(file).read_text()) or {}
        store[section] = {**settings, **store[section]}
    work.mkdir(parents=True, exist_ok=True)
    (work / "feature_store.yaml").write_text(yaml.safe_dump(store))
    for source in sorted(Path(definitions).glob("**/*.py")):
        # Kubernetes keeps the files of a volume once more in a folder that begins with two dots.
        if not any(part.startswith("..") for part in source.parts):
            shutil.copyfile(source, work / source.name)


def main(store_file, definitions, folder):
    work = Path(folder).resolve()
    prepare(store_file, definitions, work)
    os.chdir(work)
    sys.path.insert(0, str(work))
    from feast import FeatureStore
    from feast.repo_operations import parse_repo

    store = FeatureStore(repo_path=str(work))
    repo = parse_repo(work)
    wanted = {view.name for view in repo.feature_views}
    objects = [*repo.entities, *repo.data_sources, *repo.feature_views]
    store.apply(objects)
    for name in sorted(wanted):
        print(f"applied {name}")
    others = [view for view in store.list_feature_views() if view.name not in wanted]
    gone = [view for view in others if view.tags.get(REMOVAL_TAG) == "destroy"]
    if gone:
        # Redis empties whole entities unless it is told which views of them stay.
        kept = [view for view in others if view not in gone]
        sources = [source for view in gone for source in (view.stream_source, view.batch_source) if source is not None]
        store.apply([*objects, *kept], objects_to_delete=[*gone, *sources], partial=False)
    for view in others:
        print(f"{'dropped' if view in gone else 'kept'} {view.name}, which is no longer defined")
    # The registry refreshes itself in a thread that would not end.
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
`;

/** Runs `feast materialize-incremental` for all views up to now, with the same settings. */
export const MATERIALIZE_SCRIPT = String.raw`"""Fills the online store from the offline store up to now: <store.json> <folder to work in>"""
import datetime
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from apply import prepare


def main(store_file, folder):
    work = Path(folder).resolve()
    prepare(store_file, "/nonexistent", work)
    os.chdir(work)
    from feast import FeatureStore

    store = FeatureStore(repo_path=str(work))
    store.materialize_incremental(end_date=datetime.datetime.now(datetime.timezone.utc))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
`;
