"""Contacts whose numbers count in each tenant, one of which is merged into another: not into itself. Two kinds of the spec
are one of the target's, and count together.

CWE-639: what is done to a number is done to it in every tenant; what was made for a trial must not take the number that is
tried.
"""

from kit import BUG, Answer, App, bearer, own, text

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "lark", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "wren", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
target = { name = "contacts", url = "$URL", environment = "test", settle = "100ms" }
operation = [
  { name = "merge", request = "POST /contacts/{contact}/merge", body = { source = "{contact}" }, effect = "change" },
  { name = "archive", request = "POST /contacts/{contact}/archive", effect = "change" },
]
[[resource]]
name = "contact"
path = "/contacts"
create = { name = "{canary}" }
[[resource]]
name = "company"
path = "/companies"
create = { name = "{canary}", contact = "{contact}" }
[[resource]]
name = "lead"
path = "/contacts"
create = { name = "{canary}", kind = "lead" }
methods = ["list", "create", "read", "delete"]
"""
ENV = {"KEY_A": "Bearer a-1", "KEY_B": "Bearer b-2"}
LEAKS = ["DELETE /contacts/{contact}", "POST /contacts/{contact}/archive"]

app = App()
TOKENS = {"a-1": "lark", "b-2": "wren"}
contacts, companies, counts = {}, {}, {}


def who(ask):
    return bearer(ask, TOKENS)


def everyones(kept, id):
    """Of every tenant with the bug, once it is known that the caller has one."""
    return [key for key in kept if key[1] == id]


def routes(path, kept, accept):
    name = path.strip("/")

    @app.route("GET", path)
    def listed(ask):
        tenant = who(ask)
        return [one for (owner, _), one in list(kept.items()) if owner == tenant]

    @app.route("POST", path)
    def create(ask):
        tenant = who(ask)
        members = accept(tenant, ask.json or {})
        counts[tenant, name] = counts.get((tenant, name), 0) + 1
        one = {"id": counts[tenant, name], **members}
        kept[tenant, one["id"]] = one
        return Answer(201, one)

    @app.route("GET", path + "/([0-9]+)")
    def read(ask, id):
        return own(kept, who(ask), int(id))

    @app.route("PATCH", path + "/([0-9]+)")
    def change(ask, id):
        one = own(kept, who(ask), int(id))
        one.update(accept(who(ask), {**one, **(ask.json or {})}))
        return one


@app.route("POST", "/contacts/([0-9]+)/merge")
def merge(ask, id):
    tenant, source = who(ask), (ask.json or {}).get("source")
    into = own(contacts, tenant, int(id))
    if source == int(id):
        raise Answer(400, {"error": "a contact is not merged with itself"})
    other = own(contacts, tenant, source)
    into["merged"] = [*into.get("merged", []), other["name"]]
    del contacts[tenant, source]
    return into


@app.route("POST", "/contacts/([0-9]+)/archive")
def archive(ask, id):
    tenant = who(ask)
    own(contacts, tenant, int(id))
    for key in everyones(contacts, int(id)) if BUG else [(tenant, int(id))]:
        contacts[key]["archived"] = True
    return Answer(204)


@app.route("DELETE", "/contacts/([0-9]+)")
def delete(ask, id):
    """With the bug, the companies that name the number lose it in every tenant."""
    tenant = who(ask)
    own(contacts, tenant, int(id))
    for key, company in list(companies.items()):
        if company["contact"] == int(id) and (BUG or key[0] == tenant):
            del companies[key]
    del contacts[tenant, int(id)]
    return Answer(204)


@app.route("DELETE", "/companies/([0-9]+)")
def delete_company(ask, id):
    own(companies, who(ask), int(id))
    del companies[who(ask), int(id)]
    return Answer(204)


def contact_of(tenant, body):
    return own(contacts, tenant, body.get("contact"))["id"]


routes("/contacts", contacts, lambda _, body: {"name": text(body, "name"), "kind": body.get("kind", "contact")})
routes("/companies", companies, lambda tenant, body: {"name": text(body, "name"), "contact": contact_of(tenant, body)})

if __name__ == "__main__":
    app.serve()
