"""Exports, at once and by a job, know no organisation.

Turtuure/sip issue #61.
"""

import time

from kit import BUG, Answer, App, Kept, bearer, numbered, rest, text

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "lime", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "pine", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
[target]
name = "nets"
url = "$URL"
environment = "test"
settle = "100ms"
[[resource]]
name = "net"
path = "/api/v1/nets"
create = { name = "{canary}", cidr = "10.0.0.0/8" }
views = { csv = "GET /api/v1/nets/export.csv" }
[[resource]]
name = "export"
create = "POST /api/v1/exports"
read = { request = "GET /api/v1/exports/{export}", until = { member = "$.state", is = "done" } }
[[operation]]
name = "download"
request = "GET /api/v1/exports/{export}/download"
until = { within = "10s" }
"""
ENV = {"KEY_A": "Bearer a-1", "KEY_B": "Bearer b-2"}
LEAKS = ['GET /api/v1/exports/{export}/download', 'GET /api/v1/nets/export.csv']

app = App()
TOKENS = {"a-1": "lime", "b-2": "pine"}
nets, exports = Kept(numbered("n-")), Kept(numbered("x-"))


def who(ask):
    return bearer(ask, TOKENS)


def csv(tenant):
    rows = nets.all.values() if BUG else nets.of(tenant)
    return "id,name,cidr\n" + "".join(f"{one['id']},{one['name']},{one['cidr']}\n" for one in rows)


def state(export):
    return "done" if time.monotonic() - export["asked"] > 0.7 else "queued"


@app.route("GET", "/api/v1/nets/export.csv")
def at_once(ask):
    return Answer(200, csv(who(ask)), kind="text/csv")


@app.route("POST", "/api/v1/exports")
def begin(ask):
    export = exports.add(who(ask), asked=time.monotonic())
    return Answer(202, {"id": export["id"], "state": "queued"})


@app.route("GET", "/api/v1/exports/([^/]+)")
def look(ask, id):
    export = exports.get(who(ask), id)
    return {"id": export["id"], "state": state(export)}


@app.route("GET", "/api/v1/exports/([^/]+)/download")
def download(ask, id):
    export = exports.get(who(ask), id)
    if state(export) != "done":
        return Answer(409, {"error": "not ready"})
    return Answer(200, csv(export["tenant"]), kind="text/csv")


rest(app, "/api/v1/nets", who, nets, lambda _, body: {"name": text(body, "name"), "cidr": text(body, "cidr")})

if __name__ == "__main__":
    app.serve()
