"""A case is assigned to any user, and a user is disabled by the id alone; a user shows how many cases are assigned to it.

CWE-639, in what an operation names besides.
"""

from kit import BUG, Answer, App, Kept, bearer, numbered, people, rest, shown, text

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "plum", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "pear", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
[target]
name = "desk"
url = "$URL"
environment = "test"
settle = "100ms"
[[resource]]
name = "user"
path = "/users"
existing = { plum = ["u-11", "u-12", "u-13", "u-14", "u-15", "u-16"], pear = ["u-21", "u-22", "u-23", "u-24", "u-25", "u-26"] }
disposable = true
[[resource]]
name = "case"
path = "/cases"
create = { title = "{canary}" }
[[operation]]
name = "assign"
request = "POST /cases/{case}/assign"
body = { user = "{user}" }
effect = "change"
"""
ENV = {"KEY_A": "Bearer a-1", "KEY_B": "Bearer b-2"}
LEAKS = ["POST /cases/{case}/assign"]

app = App()
TOKENS = {"a-1": "plum", "b-2": "pear"}
cases, users = Kept(numbered("c")), people("plum", "pear")


def who(ask):
    return bearer(ask, TOKENS)


@app.route("GET", "/users")
def listed(ask):
    return [shown(one) for one in users.of(who(ask))]


@app.route("GET", "/users/([^/]+)")
def read(ask, id):
    return shown(users.get(who(ask), id))


@app.route("POST", "/cases/([^/]+)/assign")
def assign(ask, id):
    tenant = who(ask)
    case, user = cases.get(tenant, id), users.all.get((ask.json or {}).get("user"))
    if not user or (user["tenant"] != tenant and not BUG):
        return Answer(403, {"error": "no such user"})
    user["open"] += 1
    case["user"] = user["id"]
    return {"assigned": True}


rest(app, "/cases", who, cases, lambda _, body: {"title": text(body, "title")})


if __name__ == "__main__":
    app.serve()
