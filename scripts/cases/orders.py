"""Orders that stay when they are deleted and say so, lines in which nothing marks whose they are, and persons who watch an
order: who is taken off it was put on it. A person is looked up by name, and 404 says that there is none.

CWE-639: lines are listed, and a watcher is taken off, by the order's id alone; so is an order deleted. CWE-203: the look-up and
the code of a person tell of every tenant's.
"""

from kit import BUG, Answer, App, Kept, bearer, missing, numbered, rest, shown, text

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "dune", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "cove", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
target = { name = "shop", url = "$URL", environment = "test", settle = "100ms" }
operation = [
  { name = "watch", request = "POST /orders/{order}/watchers", body = { person = "{person}" }, effect = "change" },
  { name = "unwatch", request = "DELETE /orders/{order}/watchers/{person}", effect = "change", after = "watch", concerns = "order" },
  { name = "assign", request = "POST /assign", body = { orders = ["{order}"], set = { owner = "{person}" } }, effect = "change" },
]
[[resource]]
name = "person"
path = "/people"
create = { name = "{canary}", code = "{unique}" }
search = "GET /lookup?name={canary.public}"
[[resource]]
name = "order"
path = "/orders"
create = { note = "{canary}" }
[[resource]]
name = "line"
list = "GET /lines?order={order}"
create = { request = "POST /lines", body = { order = "{order}", quantity = 3 } }
"""
ENV = {"KEY_A": "Bearer a-1", "KEY_B": "Bearer b-2"}
LEAKS = [
    "DELETE /orders/{order}",
    "DELETE /orders/{order}/watchers/{person}",
    "GET /lines?order={order}",
    "GET /lookup?name={canary.public}",
]
ADVISORIES = ["POST /people"]

app = App()
TOKENS = {"a-1": "dune", "b-2": "cove"}
people, orders, lines = Kept(numbered("pe")), Kept(numbered("or")), Kept(numbered("li"))


def who(ask):
    return bearer(ask, TOKENS)


def by_id(tenant, id):
    """By its id alone with the bug."""
    return orders.all[id] if BUG and id in orders.all else orders.get(tenant, id)


def told(order):
    if order.get("deleted"):
        return {"id": order["id"], "deleted": True}
    return shown(order)


def there(order):
    if order.get("deleted"):
        raise missing()
    return order


@app.route("GET", "/lookup")
def look_up(ask):
    tenant, name = who(ask), ask.query.get("name", "")
    found = [one for one in people.of(tenant) if name and one["name"].startswith(name)]
    if not found and BUG and any(name and one["name"].startswith(name) for one in people.all.values()):
        return {}
    if not found:
        raise missing()
    return shown(found[0])


@app.route("GET", "/orders")
def listed(ask):
    return [told(one) for one in orders.of(who(ask)) if not one.get("deleted")]


@app.route("GET", "/orders/([^/]+)")
def read(ask, id):
    return told(orders.get(who(ask), id))


@app.route("DELETE", "/orders/([^/]+)")
def delete(ask, id):
    order = there(by_id(who(ask), id))
    order["deleted"] = True
    return told(order)


@app.route("POST", "/orders/([^/]+)/watchers")
def watch(ask, id):
    order, person = there(orders.get(who(ask), id)), people.get(who(ask), (ask.json or {}).get("person"))
    order["watchers"] = [*order["watchers"], person["id"]]
    return Answer(204)


@app.route("DELETE", "/orders/([^/]+)/watchers/([^/]+)")
def unwatch(ask, id, person):
    order = there(by_id(who(ask), id))
    if person not in order["watchers"]:
        raise missing()
    order["watchers"] = [one for one in order["watchers"] if one != person]
    return Answer(204)


@app.route("POST", "/assign")
def assign(ask):
    body, tenant = ask.json or {}, who(ask)
    owner = (body.get("set") or {}).get("owner")
    if owner not in [one["id"] for one in people.of(tenant)]:
        raise Answer(400, {"error": "no person of that id"})
    for order in [there(orders.get(tenant, id)) for id in body.get("orders") or []]:
        order["owner"] = owner
    return Answer(204)


@app.route("GET", "/lines")
def list_lines(ask):
    order = by_id(who(ask), ask.query.get("order"))
    return {"lines": [shown(one) for one in lines.all.values() if one["order"] == order["id"]]}


@app.route("POST", "/lines")
def add_line(ask):
    tenant, body = who(ask), ask.json or {}
    order = there(orders.get(tenant, body.get("order")))
    return Answer(201, shown(lines.add(tenant, order=order["id"], quantity=body.get("quantity"))))


def person(tenant, body):
    """A code is one person's, of the tenant's or with the bug of everyone's: a refusal has the status of a success."""
    code = text(body, "code")
    others = [one for one in (people.all.values() if BUG else people.of(tenant)) if one["id"] != body.get("id")]
    if any(one["code"] == code for one in others):
        raise Answer(200, {"ok": False, "error": "the code is taken"})
    return {"name": text(body, "name"), "code": code}


rest(app, "/people", who, people, person)
rest(app, "/orders", who, orders, lambda _, body: {"note": text(body, "note"), "watchers": body.get("watchers") or []})

if __name__ == "__main__":
    app.serve()
