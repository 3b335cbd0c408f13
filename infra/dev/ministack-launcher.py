"""Starts ministack so that it keeps its data when it is killed, and closes two gaps that matter to us.

By itself ministack saves only on SIGTERM and forgets object retention. Here every service's state is saved
every half second: after a kill -9, acknowledged changes of the last half second to Route 53, KMS, IAM and
bucket settings may be lost, and no others. S3 objects and their versions are on disk before the answer.
"""

import asyncio
import sys

import ministack.app as gateway
from ministack.core import iam_actions, persistence
from ministack.services import s3

SAVE_INTERVAL_S = 0.5

s3._PERSISTED_BUCKET_DICTS["object_retention"] = s3._object_retention
s3._PERSISTED_BUCKET_DICTS["object_legal_hold"] = s3._object_legal_hold


async def save_for_ever():
    while True:
        await asyncio.sleep(SAVE_INTERVAL_S)
        # Read on the event loop, where no request is half done; written beside it, so that none waits.
        try:
            states = {name: read() for name, read in gateway._build_persistence_save_dict().items()}
            writes = {name: lambda state=state: state for name, state in states.items()}
            await asyncio.to_thread(persistence.save_all, writes)
        except Exception:
            gateway.logger.exception("State was not saved; trying again in %s s", SAVE_INTERVAL_S)


serve_request = gateway.app


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        saving = asyncio.create_task(save_for_ever())
        try:
            await serve_request(scope, receive, send)
        finally:
            saving.cancel()
    elif scope.get("path", "").startswith("/_"):
        # ministack's own controls ask for no key, and one of them wipes everything. No bucket starts with `_`.
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b""})
    else:
        await serve_request(scope, receive, send)


object_context = iam_actions._s3_object_context


def object_context_with_conditions(action, query_params, path, headers):
    """Adds `s3:if-none-match` and `s3:if-match`, which S3 offers to policies and ministack does not."""
    context = object_context(action, query_params, path, headers)
    if action == "s3:PutObject":
        for name in ("if-none-match", "if-match"):
            if headers.get(name):
                context[f"s3:{name}"] = headers[name]
    return context


gateway.app = app
iam_actions._s3_object_context = object_context_with_conditions

sys.argv = ["ministack"]
gateway.main()
