"""An API of XML: what is asked for, what is told and what is refused. Orders are read and changed by number alone.

The shape of older shop systems, such as Prestashop's web service.
"""

import xml.etree.ElementTree as tree
from xml.sax.saxutils import escape

from kit import BUG, Answer, App, Kept, counter, key

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "lime", principal = [{ name = "api", grant = "header", header = "X-Api-Key", value = "$KEY_A" }] },
  { id = "pine", principal = [{ name = "api", grant = "header", header = "X-Api-Key", value = "$KEY_B" }] },
]
limits.rate = 5000
[target]
name = "orders"
url = "$URL"
environment = "test"
settle = "100ms"
[[resource]]
name = "order"
id = "$.answer.order['@id']"
create = { request = "POST /api/orders", type = "application/xml", text = "<order><note>{canary}</note></order>" }
list = "GET /api/orders"
read = "GET /api/orders/{order}"
patch = { request = "PATCH /api/orders/{order}", type = "application/xml", text = "<order><note>{canary}</note></order>" }
delete = "DELETE /api/orders/{order}"
views = { total = "GET /api/orders/total" }
"""
ENV = {"KEY_A": "a-1", "KEY_B": "b-2"}
LEAKS = ["GET /api/orders/total", "GET /api/orders/{order}", "PATCH /api/orders/{order}"]

app = App()
KEYS = {"a-1": "lime", "b-2": "pine"}
orders = Kept(counter(500))


def answer(status, inner):
    return Answer(status, f'<?xml version="1.0"?>\n<answer>{inner}</answer>', kind="application/xml; charset=utf-8")


def shown(one):
    return f'<order id="{one["id"]}"><note>{escape(one["note"])}</note></order>'


def note(ask):
    try:
        told = tree.fromstring(ask.raw).findtext("note")
    except tree.ParseError:
        told = None
    if not told:
        raise answer(400, "<error>a note, please</error>")
    return told


def mine(ask, id):
    tenant = key(ask, KEYS)
    one = orders.all.get(int(id))
    if one is None or (one["tenant"] != tenant and not (BUG and ask.method != "DELETE")):
        raise answer(404, "<error>not found</error>")
    return one


@app.route("GET", "/api/orders")
def listed(ask):
    return answer(200, f"<orders>{''.join(shown(one) for one in orders.of(key(ask, KEYS)))}</orders>")


@app.route("GET", "/api/orders/total")
def total(ask):
    tenant = key(ask, KEYS)
    return answer(200, f"<total>{len(orders.all) if BUG else len(orders.of(tenant))}</total>")


@app.route("POST", "/api/orders")
def create(ask):
    return answer(201, shown(orders.add(key(ask, KEYS), note=note(ask))))


@app.route("GET", "/api/orders/([0-9]+)")
def read(ask, id):
    return answer(200, shown(mine(ask, id)))


@app.route("PATCH", "/api/orders/([0-9]+)")
def patch(ask, id):
    one = mine(ask, id)
    one["note"] = note(ask)
    return answer(200, shown(one))


@app.route("DELETE", "/api/orders/([0-9]+)")
def delete(ask, id):
    del orders.all[mine(ask, id)["id"]]
    return Answer(204)


if __name__ == "__main__":
    app.serve()
