"""A summary below a case, and a dashboard: the cases in them are the caller's, the number of notes is not.

CWE-639, where a list is empty and what stands beside it is not. The first number of a dashboard is the caller's; another is not.
"""

from kit import BUG, Answer, App, Kept, bearer, missing, numbered, rest, shown, text

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "wren", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "teal", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
[target]
name = "notes"
url = "$URL"
environment = "test"
settle = "100ms"
[[resource]]
name = "case"
path = "/cases"
create = { title = "{canary}" }
[[resource]]
name = "note"
path = "/cases/{case}/notes"
create = { text = "{canary}" }
methods = ["list", "create", "read", "delete"]
[[operation]]
name = "numbers"
request = "GET /dashboard"
"""
ENV = {"KEY_A": "Bearer a-1", "KEY_B": "Bearer b-2"}
LEAKS = ["GET /cases/{case}/notes", "GET /dashboard"]

app = App()
TOKENS = {"a-1": "wren", "b-2": "teal"}
cases, notes = Kept(numbered("c")), Kept(numbered("n"))


def who(ask):
    return bearer(ask, TOKENS)


def case(ask, id):
    return cases.get(who(ask), id)


@app.route("GET", "/cases/([^/]+)/notes")
def listed(ask, id):
    tenant = who(ask)
    below = [one for one in notes.all.values() if one["case"] == id]
    own = [shown(one) for one in below if one["tenant"] == tenant]
    if BUG:
        return {"items": own, "count": len(below), "page": 1}
    return {"items": own, "count": len(own), "page": 1}


@app.route("GET", "/dashboard")
def dashboard(ask):
    tenant = who(ask)
    of_tenant = [sum(one["tenant"] == tenant for one in kept.all.values()) for kept in (cases, notes)]
    return {"for": tenant, "open": {"cases": of_tenant[0], "notes": len(notes.all) if BUG else of_tenant[1]}, "per_page": 20}


@app.route("POST", "/cases/([^/]+)/notes")
def create(ask, id):
    above = case(ask, id)
    return Answer(201, shown(notes.add(above["tenant"], case=above["id"], text=text(ask.json or {}, "text"))))


def note(ask, id, number):
    one = notes.get(case(ask, id)["tenant"], number)
    return one if one["case"] == id else None


@app.route("GET", "/cases/([^/]+)/notes/([^/]+)")
def read(ask, id, number):
    one = note(ask, id, number)
    return shown(one) if one else missing()


@app.route("DELETE", "/cases/([^/]+)/notes/([^/]+)")
def delete(ask, id, number):
    one = note(ask, id, number)
    if not one:
        return missing()
    del notes.all[one["id"]]
    return Answer(204)


rest(app, "/cases", who, cases, lambda _, body: {"title": text(body, "title")})


if __name__ == "__main__":
    app.serve()
