"""A cache before the API keeps every successful GET by host, path and query, and not by credential.

The incident report of a hosting platform of March 2026: an edge cache switched on by mistake for 52 minutes.
"""

from kit import BUG, Answer, App, Kept, cached_by_address, key, numbered, rest, shown, text

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "acct_quay", principal = [{ name = "api", grant = "header", header = "X-Api-Key", value = "$KEY_A" }] },
  { id = "acct_dock", principal = [{ name = "api", grant = "header", header = "X-Api-Key", value = "$KEY_B" }] },
]
limits.rate = 5000
[target]
name = "billing"
url = "$URL"
environment = "test"
settle = "100ms"
[[resource]]
name = "invoice"
path = "/v1/invoices"
create = { customer = "{canary}", amount = "{int}" }
page = { size = "limit=2", cursor = "starting_after", next = "$.data[-1].id", more = "$.has_more" }
[[operation]]
name = "account"
request = "GET /v1/account"
"""
ENV = {"KEY_A": "k-quay-81", "KEY_B": "k-dock-52"}
LEAKS = ['GET /v1/account', 'GET /v1/invoices', 'GET /v1/invoices/{invoice}']

app = App()
KEYS = {"k-quay-81": "acct_quay", "k-dock-52": "acct_dock"}
invoices = Kept(numbered("in_"))


def who(ask):
    return key(ask, KEYS)


def accept(_, body):
    if not isinstance(body.get("amount"), int):
        raise Answer(400, {"error": "amount is a whole number"})
    return {"customer": text(body, "customer"), "amount": body["amount"]}


@app.route("GET", "/v1/invoices")
def listed(ask):
    items = invoices.of(who(ask))
    after = ask.query.get("starting_after")
    if after:
        places = [place for place, one in enumerate(items) if one["id"] == after]
        items = items[places[0] + 1:] if places else []
    limit = int(ask.query.get("limit", 10))
    return {"object": "list", "data": [shown(one) for one in items[:limit]], "has_more": len(items) > limit}


@app.route("GET", "/v1/account")
def account(ask):
    return {"id": who(ask), "currency": "eur"}


rest(app, "/v1/invoices", who, invoices, accept)
# Its owner sees what is new in the list; an object stays as it was.
if BUG:
    cached_by_address(app, lambda path: path == "/v1/invoices")

if __name__ == "__main__":
    app.serve()
