"""A catalogue that all tenants are shown alike is no leak. Beside it, notes are read by their ids alone.

CWE-639; and the false alarm of taking for one tenant's what is everyone's.
"""

from kit import BUG, App, Kept, bearer, missing, numbered, rest, shown, text

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "gull", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "tern", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
[target]
name = "shop"
url = "$URL"
environment = "test"
settle = "100ms"
[[resource]]
name = "plan"
path = "/plans"
existing = "listed"
[[resource]]
name = "note"
path = "/notes"
create = { text = "{canary}" }
[[exclude]]
check = "coverage"
reason = "plans are the same for all"
expires = 2099-12-31
"""
ENV = {"KEY_A": "Bearer a-1", "KEY_B": "Bearer b-2"}
LEAKS = ["GET /notes/{note}"]

app = App()
TOKENS = {"a-1": "gull", "b-2": "tern"}
NAMES = ("Two users, forty thousand letters a year", "Twenty users and a telephone line", "No bounds, billed by the hour")
PLANS = {f"pl-{number}c81e": {"id": f"pl-{number}c81e", "name": name} for number, name in enumerate(NAMES, 4400)}
notes = Kept(numbered("n"))


def who(ask):
    return bearer(ask, TOKENS)


@app.route("GET", "/plans")
def plans(ask):
    who(ask)
    return list(PLANS.values())


@app.route("GET", "/plans/([^/]+)")
def plan(ask, id):
    who(ask)
    return PLANS.get(id) or missing()


@app.route("GET", "/notes/([^/]+)")
def read(ask, id):
    tenant, note = who(ask), notes.all.get(id)
    if not note or (note["tenant"] != tenant and not BUG):
        return missing()
    return shown(note)


rest(app, "/notes", who, notes, lambda _, body: {"text": text(body, "text")})

if __name__ == "__main__":
    app.serve()
