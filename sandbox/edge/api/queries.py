"""Queries over twins, answered in pages from an index that is a little behind."""

import base64

from aiohttp import web

from sandbox.edge.errors import argument_invalid
from sandbox.edge.front import body_of
from sandbox.edge.hub.hub import Hub
from sandbox.edge.query.parser import parse_query
from sandbox.edge.query.words import QueryError

PAGE = 100
LONGEST_QUERY = 8192


class QueriesApi:
    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/devices/query", self._query)]

    async def _query(self, request: web.Request) -> web.Response:
        self._hub.throttle("queries")
        text = (await body_of(request)).get("query")
        if not isinstance(text, str) or len(text) > LONGEST_QUERY:
            raise argument_invalid("The body needs a query of at most 8 KB.")
        try:
            query = parse_query(text)
        except QueryError as wrong:
            raise argument_invalid(str(wrong)) from None
        first, size = _place(request)
        rows = self._hub.rows(query)
        headers = {"x-ms-item-type": query.item_type}
        if len(rows) > first + size:
            headers["x-ms-continuation"] = base64.b64encode(str(first + size).encode()).decode()
        return web.json_response(rows[first : first + size], headers=headers)


def _place(request: web.Request) -> tuple[int, int]:
    size = request.headers.get("x-ms-max-item-count", str(PAGE))
    token = request.headers.get("x-ms-continuation", "")
    try:
        first = int(base64.b64decode(token, validate=True)) if token else 0
        return first, max(1, min(PAGE, int(size)))
    except ValueError:
        raise argument_invalid("The continuation token or the item count is not valid.") from None
