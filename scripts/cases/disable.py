"""Known users, of which each can be disabled once; that goes by the id alone.

CWE-639, by an operation that leaves nothing to see a second time.
"""

from kit import BUG, Answer, App, bearer, missing, people, shown

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "kale", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "leek", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
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
existing = "listed"
disposable = true
[[operation]]
name = "disable"
request = "POST /users/{user}/disable"
effect = "change"
"""
ENV = {"KEY_A": "Bearer a-1", "KEY_B": "Bearer b-2"}
LEAKS = ["POST /users/{user}/disable"]

app = App()
TOKENS = {"a-1": "kale", "b-2": "leek"}
users = people("kale", "leek")


def who(ask):
    return bearer(ask, TOKENS)


@app.route("GET", "/users")
def listed(ask):
    return [shown(one) for one in users.of(who(ask))]


@app.route("GET", "/users/([^/]+)")
def read(ask, id):
    return shown(users.get(who(ask), id))


@app.route("POST", "/users/([^/]+)/disable")
def disable(ask, id):
    tenant, user = who(ask), users.all.get(id)
    if not user or (user["tenant"] != tenant and not BUG):
        return missing()
    user["disabled"] = True
    return Answer(204)


if __name__ == "__main__":
    app.serve()
