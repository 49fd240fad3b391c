"""Every call names its account: in the query where it reads, in the body where it writes. An order is made in the account
that the body names, and only the query is held against the key.

CWE-915 and CWE-639, by a member of the body that names the tenant.
"""

from kit import BUG, Answer, App, Kept, key, numbered, rest, shown, text

SPEC = """
tenancy.locator = ["query:account", "body:order.account"]
tenant = [
  { id = "41", name = "Quay", principal = [{ name = "api", grant = "header", header = "X-Api-Key", value = "$KEY_A" }] },
  { id = "57", name = "Ridge", principal = [{ name = "api", grant = "header", header = "X-Api-Key", value = "$KEY_B" }] },
]
limits.rate = 5000
[target]
name = "orders"
url = "$URL"
environment = "test"
settle = "100ms"
[[resource]]
name = "order"
path = "/orders"
create = { order = { note = "{canary}" } }
"""
ENV = {"KEY_A": "k-a-1", "KEY_B": "k-b-2"}
LEAKS = ["POST /orders?account={tenant}"]

app = App()
KEYS = {"k-a-1": "41", "k-b-2": "57"}
orders = Kept(numbered("o"))


def who(ask):
    tenant = key(ask, KEYS)
    if ask.query.get("account") != tenant:
        raise Answer(403, {"error": "another account"})
    if not BUG or ask.method != "POST":
        order = (ask.json or {}).get("order")
        if order is not None and order.get("account") != tenant:
            raise Answer(403, {"error": "another account"})
    return tenant


@app.route("POST", "/orders")
def create(ask):
    tenant = who(ask)
    order = (ask.json or {}).get("order") or {}
    owner = order.get("account") if BUG else tenant
    return Answer(201, shown(orders.add(owner, note=text(order, "note"))))


rest(app, "/orders", who, orders, lambda _, body: {"note": text(body.get("order") or body, "note")})

if __name__ == "__main__":
    app.serve()
