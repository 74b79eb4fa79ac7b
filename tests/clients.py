"""Other people's Bitrix24 clients, each fetching a whole list by its own bulk strategy: judges of the demo portal.

They share no code with ours. Every function takes the webhook, a method and its parameters, and gives all rows.
"""

import asyncio
import logging
import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from b24api import Bitrix24
from b24api.entity import ListRequest, ListRequestParameters
from b24pysdk.credentials import BitrixWebhook
from fast_bitrix24 import BitrixAsync

Fetch = Callable[[str, str, dict[str, Any]], list[dict[str, Any]]]

# They log whole requests, addresses with the secret included.
for _name in ("fast_bitrix24", "b24api", "b24pysdk_NullLogger", "httpx"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)


def fast_bitrix24(webhook: str, method: str, params: dict[str, Any], **limits: float) -> list[dict[str, Any]]:
    """A page for the count, then batches of offsets, several at once. `limits` slow it down to a portal's rate."""
    limits = limits or {"request_pool_size": 1_000_000, "requests_per_second": 1e9}
    return asyncio.run(BitrixAsync(webhook, verbose=False, **limits).get_all(method, params))


def _over_plain_http(webhook: str) -> BitrixWebhook:
    """The official client knows https only."""
    caller = sys.modules["b24pysdk.api.callers.call_method"]._MethodCaller
    caller._base_url = property(lambda self: f"http://{self._domain}/rest")
    parts = urlsplit(webhook)
    return BitrixWebhook(domain=parts.netloc, webhook_token=parts.path.removeprefix("/rest/").strip("/"))


def b24pysdk_by_offsets(webhook: str, method: str, params: dict[str, Any]) -> list[dict[str, Any]]:
    """A page for the count, then batches of offsets."""
    return _over_plain_http(webhook).call_list(api_method=method, params=params | {"order": {"ID": "ASC"}})["result"]


def b24pysdk_by_references(webhook: str, method: str, params: dict[str, Any]) -> list[dict[str, Any]]:
    """Batches of pages, each begun after the last id of the one before by a `$result` reference."""
    return list(_over_plain_http(webhook).call_list_fast(api_method=method, params=params)["result"])


def _b24api(webhook: str) -> Bitrix24:
    return Bitrix24(webhook_url=webhook, retry_attempts=1)


def b24api_one_by_one(webhook: str, method: str, params: dict[str, Any]) -> list[dict[str, Any]]:
    """A request for every offset."""
    return list(_b24api(webhook).list_sequential({"method": method, "parameters": params | {"order": {"ID": "ASC"}}}))


def b24api_by_offsets(webhook: str, method: str, params: dict[str, Any]) -> list[dict[str, Any]]:
    """Batches of offsets."""
    return list(_b24api(webhook).list_batched({"method": method, "parameters": params | {"order": {"ID": "ASC"}}}))


class _Parameters(ListRequestParameters, extra="allow"):
    """It would drop entityTypeId without a word."""


def b24api_by_windows(webhook: str, method: str, params: dict[str, Any]) -> list[dict[str, Any]]:
    """Batches of windows of fifty ids, between the first page and the last."""
    request = ListRequest(method=method, parameters=_Parameters(select=["*"], **params))
    return list(_b24api(webhook).list_batched_no_count(request))


CLIENTS: dict[str, Fetch] = {
    "fast_bitrix24": fast_bitrix24,
    "b24pysdk by offsets": b24pysdk_by_offsets,
    "b24pysdk by references": b24pysdk_by_references,
    "b24api one by one": b24api_one_by_one,
    "b24api by offsets": b24api_by_offsets,
    "b24api by windows": b24api_by_windows,
}
