"""A create answers nothing; what it made is found in a list that comes in numbered pages. A change goes by the id alone.

The shape of many form-driven back ends: CWE-639.
"""

from kit import BUG, Answer, App, Kept, bearer, missing, numbered, shown, text

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "dune", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "cliff", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
[target]
name = "desk"
url = "$URL"
environment = "test"
settle = "100ms"
[[resource]]
name = "ticket"
list = { request = "POST /ticket.list", body = { page = 1, size = 3 } }
create = { request = "POST /ticket.add", form = { subject = "{canary}", due = "{date}" } }
read = "GET /ticket.get?id={ticket}"
patch = { request = "POST /ticket.set", form = { id = "{ticket}", subject = "{canary}" } }
delete = "POST /ticket.remove?id={ticket}"
page = { number = "body:page" }
"""
ENV = {"KEY_A": "Bearer a-1", "KEY_B": "Bearer b-2"}
LEAKS = ["POST /ticket.set"]

app = App()
TOKENS = {"a-1": "dune", "b-2": "cliff"}
tickets = Kept(numbered("t"))


def own(ask, id):
    tenant, ticket = bearer(ask, TOKENS), tickets.all.get(id)
    if not ticket or ticket["tenant"] != tenant:
        raise missing()
    return ticket


@app.route("POST", "/ticket.list")
def listed(ask):
    items, body = tickets.of(bearer(ask, TOKENS)), ask.json or {}
    page, size = body.get("page", 1), body.get("size", 3)
    return {"rows": [shown(one) for one in items[(page - 1) * size:page * size]]}


@app.route("POST", "/ticket.add")
def add(ask):
    tickets.add(bearer(ask, TOKENS), subject=text(ask.form, "subject"), due=text(ask.form, "due"))
    return Answer(204)


@app.route("GET", "/ticket.get")
def get(ask):
    return shown(own(ask, ask.query.get("id")))


@app.route("POST", "/ticket.set")
def change(ask):
    bearer(ask, TOKENS)
    ticket = tickets.all.get(ask.form.get("id")) if BUG else own(ask, ask.form.get("id"))
    if not ticket:
        return missing()
    ticket["subject"] = text(ask.form, "subject")
    return {"ok": True}


@app.route("POST", "/ticket.remove")
def remove(ask):
    del tickets.all[own(ask, ask.query.get("id"))["id"]]
    return {"ok": True}


if __name__ == "__main__":
    app.serve()
