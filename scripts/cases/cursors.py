"""Lists that go on with a cursor or a link, which say where the list is and whose. Of the list that is meant to be the
caller's, the first page alone is; the next one believes what it is handed.

The shape of CWE-639 in opaque page tokens: "encoded" is not "checked".
"""

import base64
import json

from kit import BUG, Answer, App, Kept, bearer, numbered, shown, text

SPEC = """
tenancy.locator = ["token", "header:X-Team"]
tenant = [
  { id = "rook", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "finch", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
target = { name = "feeds", url = "$URL", environment = "test", settle = "100ms" }
[[resource]]
name = "notice"
path = "/v1/notices"
create = { text = "{canary}" }
methods = ["list", "create", "read", "delete"]
page = { cursor = "cursor", next = "$.nextCursor" }
[[resource]]
name = "event"
path = "/v1/events"
create = { text = "{canary}" }
methods = ["list", "create", "read", "delete"]
page = { size = "limit=2" }
views = { mine = "GET /v1/events/mine" }
"""
ENV = {"KEY_A": "Bearer a-1", "KEY_B": "Bearer b-2"}
LEAKS = ["GET /v1/events", "GET /v1/events/mine", "GET /v1/notices"]

app = App()
TOKENS = {"a-1": "rook", "b-2": "finch"}


def who(ask):
    tenant = bearer(ask, TOKENS)
    if ask.headers.get("x-team") not in (None, tenant):
        raise Answer(403, {"error": "not your team"})
    return tenant


def page_of(kept, tenant, cursor, size=2):
    """Objects of one page, and the cursor of the next one."""
    place = {"of": tenant, "from": 0}
    if cursor:
        try:
            place = json.loads(base64.urlsafe_b64decode(cursor))
        except ValueError:
            raise Answer(400, {"error": "bad cursor"}) from None
    if place["of"] != tenant and not BUG:
        raise Answer(400, {"error": "bad cursor"})
    end = place["from"] + size
    all_of = kept.of(place["of"])
    further = json.dumps({"of": place["of"], "from": end}).encode()
    return all_of[place["from"]:end], base64.urlsafe_b64encode(further).decode() if end < len(all_of) else None


def feed(path, new_id):
    kept = Kept(new_id)

    @app.route("POST", path)
    def create(ask):
        tenant = who(ask)
        return Answer(201, shown(kept.add(tenant, text=text(ask.json or {}, "text"))))

    @app.route("GET", path + "/([^/]+)")
    def read(ask, id):
        return shown(kept.get(who(ask), id))

    @app.route("DELETE", path + "/([^/]+)")
    def delete(ask, id):
        del kept.all[kept.get(who(ask), id)["id"]]
        return Answer(204)

    return kept


@app.route("GET", "/v1/events/mine")
@app.route("GET", "/v1/events")
def list_events(ask):
    part, cursor = page_of(events, who(ask), ask.query.get("after"))
    link = f'<{ask.path}?limit=2&after={cursor}>; rel="next"'
    return Answer(200, [shown(event) for event in part], [("link", link)] if cursor else [])


notices, events = feed("/v1/notices", numbered("n")), feed("/v1/events", numbered("e"))


@app.route("GET", "/v1/notices")
def list_notices(ask):
    part, cursor = page_of(notices, who(ask), ask.query.get("cursor"))
    return {"items": [shown(notice) for notice in part], "nextCursor": cursor}


if __name__ == "__main__":
    app.serve()
