"""Each tenant has a host of its own. Where objects are read, the host alone says whose they are. Who is not of that host is led
to where one logs in, as is anyone without a credential.

CWE-639, by the host that the request names.
"""

from kit import BUG, Answer, App, Kept, bearer, numbered, rest, shown, text

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "bay", url = "$BAY", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "fjord", url = "$FJORD", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
[target]
name = "orders"
environment = "test"
settle = "100ms"
[[resource]]
name = "order"
path = "/orders"
create = { note = "{canary}" }
[[operation]]
name = "numbers"
request = "GET /numbers"
"""
ENV = {
    "BAY": "http://bay.localhost:$PORT",
    "FJORD": "http://fjord.localhost:$PORT",
    "KEY_A": "Bearer a-1",
    "KEY_B": "Bearer b-2",
}
LEAKS = ["GET /orders/{order}"]

app = App()
TOKENS = {"a-1": "bay", "b-2": "fjord"}
orders = Kept(numbered("o"))


def host(ask):
    return (ask.headers.get("host") or "").split(".")[0]


def who(ask):
    scheme, _, token = (ask.headers.get("authorization") or "").partition(" ")
    if TOKENS.get(token) != host(ask):
        raise Answer(302, None, [("location", f"/login?next={ask.path}")])
    return TOKENS[token]


@app.route("GET", "/orders/([^/]+)")
def read(ask, id):
    if BUG:
        bearer(ask, TOKENS)
        return shown(orders.get(host(ask), id))
    return shown(orders.get(who(ask), id))


@app.route("GET", "/numbers")
def numbers(ask):
    return {"for": who(ask), "orders": len(orders.of(who(ask)))}


rest(app, "/orders", who, orders, lambda _, body: {"note": text(body, "note")})

if __name__ == "__main__":
    app.serve()
