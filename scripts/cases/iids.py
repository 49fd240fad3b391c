"""Each tenant's issues are numbered by themselves. A change looks whether the caller has one of that number, and then
changes every one of that number; so does a delete. Labels, which clients name, are recoloured by their name alone.

CWE-639: an update of which the tenant is in the look-up and not in the WHERE.
"""

from kit import BUG, Answer, App, bearer, own, text

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "rook", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "finch", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
operation = [
  { name = "close", request = "POST /issues/{issue}/close", effect = "change" },
  { name = "recolour", request = "POST /labels/{label}/colour", body = { colour = "{canary}" }, effect = "change" },
]
[target]
name = "tracker"
url = "$URL"
environment = "test"
settle = "100ms"
[[resource]]
name = "issue"
id = "$.number"
create = { title = "{canary}" }
path = "/issues"
[[resource]]
name = "label"
path = "/labels"
create = { request = "PUT /labels/{label}", body = { colour = "{canary}" } }
methods = ["list", "create", "read", "delete"]
"""
ENV = {"KEY_A": "Bearer a-1", "KEY_B": "Bearer b-2"}
LEAKS = ["DELETE /issues/{issue}", "PATCH /issues/{issue}", "POST /labels/{label}/colour"]

app = App()
TOKENS = {"a-1": "rook", "b-2": "finch"}
issues, labels = {}, {}
counts = {"rook": 0, "finch": 9}


def who(ask):
    return bearer(ask, TOKENS)


def reached(kept, tenant, id):
    """Whose objects of that id a write reaches."""
    return [(other, one) for other, one in kept if one == id and (BUG or other == tenant)]


@app.route("GET", "/issues")
def listed(ask):
    tenant = who(ask)
    return [issue for (other, _), issue in issues.items() if other == tenant]


@app.route("POST", "/issues")
def create(ask):
    tenant, title = who(ask), text(ask.json or {}, "title")
    counts[tenant] += 1
    issues[tenant, counts[tenant]] = {"number": counts[tenant], "title": title, "state": "open"}
    return Answer(201, issues[tenant, counts[tenant]])


@app.route("GET", "/issues/([0-9]+)")
def read(ask, id):
    return own(issues, who(ask), int(id))


@app.route("PUT", "/issues/([0-9]+)")
def replace(ask, id):
    issue = own(issues, who(ask), int(id))
    issue["title"] = text(ask.json or {}, "title")
    return issue


@app.route("PATCH", "/issues/([0-9]+)")
def change(ask, id):
    tenant, id = who(ask), int(id)
    own(issues, tenant, id)
    for one in reached(issues, tenant, id):
        issues[one]["title"] = text(ask.json or {}, "title")
    return issues[tenant, id]


@app.route("DELETE", "/issues/([0-9]+)")
def delete(ask, id):
    tenant, id = who(ask), int(id)
    own(issues, tenant, id)
    for one in reached(issues, tenant, id):
        del issues[one]
    return Answer(204)


@app.route("POST", "/issues/([0-9]+)/close")
def close(ask, id):
    issue = own(issues, who(ask), int(id))
    issue["state"] = "closed"
    return issue


@app.route("GET", "/labels")
def label_list(ask):
    tenant = who(ask)
    return [label for (other, _), label in labels.items() if other == tenant]


@app.route("PUT", "/labels/([^/]+)")
def name(ask, id):
    tenant = who(ask)
    labels[tenant, id] = {"id": id, "colour": text(ask.json or {}, "colour")}
    return Answer(201, labels[tenant, id])


@app.route("GET", "/labels/([^/]+)")
def label(ask, id):
    return own(labels, who(ask), id)


@app.route("DELETE", "/labels/([^/]+)")
def unname(ask, id):
    tenant = who(ask)
    own(labels, tenant, id)
    del labels[tenant, id]
    return Answer(204)


@app.route("POST", "/labels/([^/]+)/colour")
def recolour(ask, id):
    tenant = who(ask)
    own(labels, tenant, id)
    for one in reached(labels, tenant, id):
        labels[one]["colour"] = text(ask.json or {}, "colour")
    return labels[tenant, id]


if __name__ == "__main__":
    app.serve()
