"""A bill of one's own is changed to name another organisation's member as its payer: the name of whoever that is, is shown
with the bill. The same with a card that is moved to another's account.

CWE-639, in what a change names besides its object. Who is not there is refused as whoever is another's; what a card is
charged to may not change at all, whosever it is.
"""

from kit import BUG, Answer, App, Kept, bearer, missing, numbered, rest, shown, text

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "mint", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "sage", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
[target]
name = "bills"
url = "$URL"
environment = "test"
settle = "100ms"
[[resource]]
name = "member"
path = "/members"
create = { name = "{canary}" }
[[resource]]
name = "bill"
path = "/bills"
create = { title = "{canary}", payer = "{member}" }
update = { payer = "{member}" }
[[resource]]
name = "card"
path = "/cards"
create = { title = "{canary}", member = "{member}" }
delete = { request = "DELETE /cards/{card}", headers = { X-Member = "{member}" } }
"""
ENV = {"KEY_A": "Bearer a-1", "KEY_B": "Bearer b-2"}
LEAKS = ["DELETE /cards/{card}", "PATCH /bills/{bill}", "PUT /bills/{bill}"]

app = App()
TOKENS = {"a-1": "mint", "b-2": "sage"}
members, bills, cards = Kept(numbered("m")), Kept(numbered("b")), Kept(numbered("c"))


def who(ask):
    return bearer(ask, TOKENS)


def payer(tenant, id, is_open):
    one = members.all.get(id)
    if not one or (one["tenant"] != tenant and not is_open):
        raise Answer(422, {"error": "no such member"})
    return one


def told(bill):
    return shown(bill) | {"payer": {"id": bill["payer"], "name": members.all[bill["payer"]]["name"]}}


@app.route("GET", "/bills")
def listed(ask):
    return [shown(bill) for bill in bills.of(who(ask))]


@app.route("POST", "/bills")
def create(ask):
    tenant, body = who(ask), ask.json or {}
    return Answer(201, shown(bills.add(tenant, title=text(body, "title"), payer=payer(tenant, body.get("payer"), False)["id"])))


app.route("GET", "/bills/([^/]+)")(lambda ask, id: told(bills.get(who(ask), id)))


def change(ask, id):
    tenant, body = who(ask), ask.json or {}
    bill = bills.get(tenant, id)
    bill["title"] = body.get("title", bill["title"])
    bill["payer"] = payer(tenant, body.get("payer"), BUG)["id"]
    return Answer(204)


app.route("PUT", "/bills/([^/]+)")(change)
app.route("PATCH", "/bills/([^/]+)")(change)


@app.route("DELETE", "/bills/([^/]+)")
def drop(ask, id):
    del bills.all[bills.get(who(ask), id)["id"]]
    return Answer(204)


def accept(tenant, body):
    if "id" in body and body.get("member") != cards.all[body["id"]]["member"]:
        raise Answer(422, {"error": "a card stays with its member"})
    return {"title": text(body, "title"), "member": payer(tenant, body.get("member"), False)["id"]}


@app.route("DELETE", "/cards/([^/]+)")
def end(ask, id):
    tenant = who(ask)
    card, member = cards.get(tenant, id), payer(tenant, ask.headers.get("x-member"), BUG)
    member["ended"] = member.get("ended", 0) + 1
    del cards.all[card["id"]]
    return Answer(204)


rest(app, "/members", who, members, lambda _, body: {"name": text(body, "name")})
rest(app, "/cards", who, cards, accept)


if __name__ == "__main__":
    app.serve()
