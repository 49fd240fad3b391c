"""Notes of several cases at a time, in pages that are counted: what follows the last one is empty. Each case is looked up by its
id alone.

CWE-639, by the ids of a filter in a body.
"""

from kit import BUG, App, Kept, bearer, numbered, rest, shown, text

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "larch", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "alder", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
target = { name = "notes", url = "$URL", environment = "test", settle = "100ms" }
[[resource]]
name = "case"
path = "/cases"
create = { title = "{canary}" }
[[resource]]
name = "note"
path = "/notes"
create = { case = "{case}", text = "{canary}" }
page = { offset = "body:offset" }
list = { request = "POST /notes/list", body = { offset = 0 } }
[resource.views.of]
request = "POST /notes/search"
body = { cases = ["{case}"], offset = 0 }
"""
ENV = {"KEY_A": "Bearer a-1", "KEY_B": "Bearer b-2"}
LEAKS = ["POST /notes/search"]

app = App()
TOKENS = {"a-1": "larch", "b-2": "alder"}
cases, notes = Kept(numbered("c")), Kept(numbered("n"))


def who(ask):
    return bearer(ask, TOKENS)


def page(ask, found):
    at = (ask.json or {}).get("offset") or 0
    return {"version": "2.0", "result": [shown(one) for one in found[at:at + 20]]}


@app.route("POST", "/notes/list")
def listed(ask):
    return page(ask, notes.of(who(ask)))


@app.route("POST", "/notes/search")
def search(ask):
    tenant, ids = who(ask), (ask.json or {}).get("cases") or []
    return page(ask, [one for one in notes.all.values() if one["case"] in ids and (BUG or one["tenant"] == tenant)])


def noted(tenant, body):
    return {"case": cases.get(tenant, body.get("case"))["id"], "text": text(body, "text")}


rest(app, "/cases", who, cases, lambda _, body: {"title": text(body, "title")})
rest(app, "/notes", who, notes, noted)


if __name__ == "__main__":
    app.serve()
