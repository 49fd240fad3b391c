"""Clocks stand beside what is counted, a second list beside the objects of a page, and what is public names the address that
was asked for. The total of the list counts everyone's.

tazama issue #312.
"""

import time

from kit import BUG, App, Kept, bearer, numbered, rest, shown, text

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "otter", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "heron", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
[target]
name = "jobs"
url = "$URL"
environment = "test"
settle = "100ms"
[[resource]]
name = "job"
path = "/jobs"
create = { name = "{canary}" }
page = { number = "page" }
[[operation]]
name = "status"
request = "GET /status"
[[operation]]
name = "schema"
request = "GET /schema"
"""
ENV = {"KEY_A": "Bearer a-1", "KEY_B": "Bearer b-2"}
LEAKS = ["GET /jobs"]

app = App()
TOKENS = {"a-1": "otter", "b-2": "heron"}
jobs = Kept(numbered("j"))


def who(ask):
    return bearer(ask, TOKENS)


@app.route("GET", "/jobs")
def listed(ask):
    items, page = jobs.of(who(ask)), int(ask.query.get("page", 1))
    rows = [shown(one) for one in items[(page - 1) * 5:page * 5]]
    total = len(jobs.all) if BUG else len(items)
    columns = [{"key": "id"}, {"key": "name"}]
    return {"rows": rows, "columns": columns, "total": total, "serverTime": int(time.time())}


@app.route("GET", "/status")
def status(ask):
    return {"of": who(ask), "uptime": int(time.monotonic())}


@app.route("GET", "/schema")
def schema(ask):
    return {"links": {"self": ask.target}, "members": ["name"]}


rest(app, "/jobs", who, jobs, lambda _, body: {"name": text(body, "name")})


if __name__ == "__main__":
    app.serve()
