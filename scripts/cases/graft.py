"""A create under a name that another organisation has takes that person over, and writes the new name into it.

tale-project/tale issue #2036.
"""

import uuid

from kit import BUG, Answer, App, Kept, bearer, text

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "org-ash", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "org-oak", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
[target]
name = "people"
url = "$URL"
environment = "test"
settle = "100ms"
[[resource]]
name = "person"
path = "/scim/v2/Users"
create = { userName = "{email}", displayName = "{canary}" }
update = { displayName = "{canary}" }
page = { number = "page" }
"""
ENV = {"KEY_A": "Bearer a-1", "KEY_B": "Bearer b-2"}
LEAKS = ['POST /scim/v2/Users']

app = App()
TOKENS = {"a-1": "org-ash", "b-2": "org-oak"}
people = Kept(lambda: str(uuid.uuid4()))


def who(ask):
    return bearer(ask, TOKENS)


def of(tenant):
    return [one for one in people.all.values() if tenant in one["tenants"]]


def named(tenant, id):
    one = people.all.get(id)
    if not one or tenant not in one["tenants"]:
        raise Answer(404, {"detail": "no such user", "status": "404"})
    return one


def told(one):
    return {name: one[name] for name in ("id", "userName", "displayName")}


@app.route("GET", "/scim/v2/Users")
def listed(ask):
    items, page = of(who(ask)), int(ask.query.get("page", 1))
    return {"totalResults": len(items), "Resources": [told(one) for one in items[(page - 1) * 4:page * 4]]}


@app.route("POST", "/scim/v2/Users")
def create(ask):
    tenant, body = who(ask), ask.json or {}
    name, display = text(body, "userName"), text(body, "displayName")
    if any(one["userName"] == name for one in of(tenant)):
        return Answer(409, {"scimType": "uniqueness", "status": "409"})
    known = [one for one in people.all.values() if one["userName"] == name]
    if known and BUG:
        known[0]["tenants"].append(tenant)
        known[0]["displayName"] = display
        return Answer(201, told(known[0]))
    return Answer(201, told(people.add(tenant, userName=name, displayName=display, tenants=[tenant])))


@app.route("GET", "/scim/v2/Users/([^/]+)")
def read(ask, id):
    return told(named(who(ask), id))


@app.route("PUT", "/scim/v2/Users/([^/]+)")
@app.route("PATCH", "/scim/v2/Users/([^/]+)")
def change(ask, id):
    one = named(who(ask), id)
    one["displayName"] = text(ask.json or {}, "displayName")
    return told(one)


@app.route("DELETE", "/scim/v2/Users/([^/]+)")
def delete(ask, id):
    one = named(who(ask), id)
    one["tenants"].remove(who(ask))
    if not one["tenants"]:
        del people.all[one["id"]]
    return Answer(204)

if __name__ == "__main__":
    app.serve()
