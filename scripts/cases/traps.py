"""Nothing of this leaks, and each looks as if it did: a short id inside other words, a public word in every answer, null for
what is another's, two objects in one path, the tenant's own name in a report, 403 for what is gone.
"""

from kit import BUG, Answer, App, Kept, bearer, counter, numbered, rest, shown, text

SPEC = """
tenancy.locator = "token"
operation = [{ name = "lid", request = "GET /boxes/{box}/lids/{item}" }]
tenant = [
  { id = "birch", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "cedar", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
[target]
name = "traps"
url = "$URL"
environment = "test"
settle = "100ms"
[[resource]]
name = "item"
path = "/items"
create = { label = "{canary}" }
[[resource]]
name = "zone"
path = "/zones"
existing = "listed"
[[resource]]
name = "box"
path = "/boxes"
create = { label = "{canary}" }
"""
ENV = {"KEY_A": "Bearer a-1", "KEY_B": "Bearer b-2"}
LEAKS = ['GET /items/{item}']

app = App()
TOKENS = {"a-1": "birch", "b-2": "cedar"}
items, boxes = Kept(counter()), Kept(numbered("box-"))
# Words that anyone is shown: a time zone, a type, a time, a plan, a host with digits in it.
COMMON = {"zone": "Europe/Amsterdam", "type": "text/plain", "since": "2026-01-01T00:00:00Z", "plan": "standard", "node": "127.0.0.1"}
zones = {"birch": {"id": 2, "name": "Hollow lane 12", "keeper": "Ida Brandsma", **COMMON}, "cedar": {"id": 3, "name": "Mill road 40", "keeper": "Jurre Tolsma", **COMMON}}


def who(ask):
    return bearer(ask, TOKENS)


def accept(_, body):
    return {"label": text(body, "label"), **COMMON}


@app.route("GET", "/items/([0-9]+)")
def read(ask, id):
    tenant, one = who(ask), items.all.get(int(id))
    is_shown = one and (one["tenant"] == tenant or BUG)
    return {"item": shown(one) if is_shown else None, "node": "127.0.0.1", "report": f"for {tenant}"}


@app.route("GET", "/zones")
def listed(ask):
    return [zones[who(ask)]]


@app.route("GET", "/zones/([0-9]+)")
def zone(ask, id):
    own = zones[who(ask)]
    return own if own["id"] == int(id) else Answer(403, {"error": "forbidden"})


@app.route("GET", "/boxes/([^/]+)/lids/([0-9]+)")
def lid(ask, box, item):
    tenant = who(ask)
    return {"box": shown(boxes.get(tenant, box))["label"], "item": shown(items.get(tenant, int(item)))["label"]}


@app.route("DELETE", "/boxes/([^/]+)")
def discard(ask, box):
    one = boxes.all.get(box)
    if not one or one["tenant"] != who(ask):
        return Answer(403, {"error": "forbidden"})
    del boxes.all[box]
    return Answer(204)


rest(app, "/items", who, items, accept, int)
rest(app, "/boxes", who, boxes, lambda _, body: {"label": text(body, "label")})

if __name__ == "__main__":
    app.serve()
