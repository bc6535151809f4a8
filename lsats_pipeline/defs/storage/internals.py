"""The private names of Dagster that its storage and origins need, here and nowhere else.

Dagster gives no public name to what a storage of its own is made of, nor to the origin by which a
run is found under its job. Dagster is pinned; `test_internals.py` says what an update has changed.
"""

from dagster._core.events import ASSET_EVENTS
from dagster._core.launcher import CheckRunHealthResult, WorkerStatus
from dagster._core.remote_origin import (
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.base_storage import DagsterStorage
from dagster._core.storage.event_log.schema import (
    AssetCheckExecutionsTable,
    AssetKeyTable,
    SqlEventLogStorageTable,
)
from dagster._core.storage.tags import CODE_LOCATION_TAG, HIDDEN_TAG_PREFIX
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._serdes import ConfigurableClassData, deserialize_value, serialize_value

__all__ = [
    "ASSET_EVENTS",
    "CODE_LOCATION_TAG",
    "HIDDEN_TAG_PREFIX",
    "AssetCheckExecutionRecordStatus",
    "AssetCheckExecutionsTable",
    "AssetKeyTable",
    "CheckRunHealthResult",
    "ConfigurableClassData",
    "DagsterStorage",
    "LoadableTargetOrigin",
    "ManagedGrpcPythonEnvCodeLocationOrigin",
    "RemoteJobOrigin",
    "RemoteRepositoryOrigin",
    "SqlEventLogStorageTable",
    "WorkerStatus",
    "deserialize_value",
    "serialize_value",
]
