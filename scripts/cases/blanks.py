"""Links to a case, on which nothing says whose they are, in pages that are counted: what follows the last one is an empty list.
The case is looked up by its id alone.

CWE-639, where an empty last page says nothing of the first one.
"""

from kit import BUG, App, Kept, bearer, numbered, rest, shown, text

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "larch", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "alder", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
target = { name = "links", url = "$URL", environment = "test", settle = "100ms" }
[[resource]]
name = "case"
path = "/cases"
create = { title = "{canary}" }
[[resource]]
name = "link"
path = "/links"
create = { case = "{case}" }
methods = ["list", "create", "read", "delete"]
page = { offset = "offset" }
views = { of = "GET /links?case={case}&offset=0" }
[[exclude]]
check = "oracle.existence"
reason = "it would tell of the links as well"
expires = 2999-12-31
"""
ENV = {"KEY_A": "Bearer a-1", "KEY_B": "Bearer b-2"}
LEAKS = ["GET /links?case={case}&offset=0"]

app = App()
TOKENS = {"a-1": "larch", "b-2": "alder"}
cases, links = Kept(numbered("c")), Kept(numbered("l"))


def who(ask):
    return bearer(ask, TOKENS)


@app.route("GET", "/links")
def listed(ask):
    tenant, case, at = who(ask), ask.query.get("case"), int(ask.query.get("offset", 0))
    found = links.of(tenant) if case is None else [one for one in links.all.values() if one["case"] == case]
    return [shown(one) for one in found if BUG or one["tenant"] == tenant][at:at + 20]


rest(app, "/cases", who, cases, lambda _, body: {"title": text(body, "title")})
rest(app, "/links", who, links, lambda tenant, body: {"case": cases.get(tenant, body.get("case"))["id"]})


if __name__ == "__main__":
    app.serve()
