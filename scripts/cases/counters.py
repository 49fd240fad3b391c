"""Each tenant's numbers count for themselves, and nothing written fits into an object. One that a tenant has not got is
looked for among everyone's.

CWE-639, where two tenants have the same ids.
"""

from kit import BUG, Answer, App, Kept, bearer, missing, numbered, rest, text

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "rook", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "finch", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
[target]
name = "slots"
url = "$URL"
environment = "test"
settle = "100ms"
[[resource]]
name = "slot"
path = "/slots"
create = { code = "{int}" }
methods = ["list", "create", "read", "delete"]
[[resource]]
name = "note"
path = "/notes"
create = { text = "{canary}" }
"""
ENV = {"KEY_A": "Bearer a-1", "KEY_B": "Bearer b-2"}
LEAKS = ["GET /slots/{slot}"]

app = App()
TOKENS = {"a-1": "rook", "b-2": "finch"}
slots, counts = {"rook": {}, "finch": {}}, {"rook": 0, "finch": 0}
notes = Kept(numbered("n"))
rest(app, "/notes", lambda ask: bearer(ask, TOKENS), notes, lambda _, body: {"text": text(body, "text")})


@app.route("GET", "/slots")
def listed(ask):
    return list(slots[bearer(ask, TOKENS)].values())


@app.route("POST", "/slots")
def create(ask):
    tenant, code = bearer(ask, TOKENS), (ask.json or {}).get("code")
    counts[tenant] += 1
    slots[tenant][counts[tenant]] = {"id": counts[tenant], "code": code}
    return Answer(201, slots[tenant][counts[tenant]])


@app.route("GET", "/slots/([0-9]+)")
def read(ask, id):
    tenant = bearer(ask, TOKENS)
    others = [kept for other, kept in slots.items() if other != tenant] if BUG else []
    found = [kept[int(id)] for kept in (slots[tenant], *others) if int(id) in kept]
    return found[0] if found else missing()


@app.route("DELETE", "/slots/([0-9]+)")
def delete(ask, id):
    return Answer(204) if slots[bearer(ask, TOKENS)].pop(int(id), None) else missing()


if __name__ == "__main__":
    app.serve()
