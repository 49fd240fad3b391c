"""A filter by another tenant's object stands in place of the tenant's own scope.

precogly/precogly issue #404; LeanerCloud/CUDly #1565.
"""

import uuid

from kit import BUG, Answer, App, Kept, bearer, rest, shown, text

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "fern", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "moss", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
[target]
name = "garden"
url = "$URL"
environment = "test"
settle = "100ms"
[[resource]]
name = "bed"
path = "/api/beds/"
create = { label = "{canary}" }
[[resource]]
name = "plant"
path = "/api/plants/"
create = { bed = "{bed}", label = "{canary}" }
views = { of-bed = "GET /api/plants/?bed={bed}" }
"""
ENV = {"KEY_A": "Bearer a-1", "KEY_B": "Bearer b-2"}
LEAKS = ['GET /api/plants/?bed={bed}']

app = App()
TOKENS = {"a-1": "fern", "b-2": "moss"}
beds, plants = Kept(lambda: str(uuid.uuid4())), Kept(lambda: str(uuid.uuid4()))


def who(ask):
    return bearer(ask, TOKENS)


def of_bed(tenant, body):
    bed = beds.all.get(body.get("bed"))
    if not bed or bed["tenant"] != tenant:
        raise Answer(400, {"bed": ["Object does not exist."]})
    return {"bed": bed["id"], "label": text(body, "label")}


@app.route("GET", "/api/plants/")
def listed(ask):
    tenant, bed = who(ask), ask.query.get("bed")
    if bed and BUG:
        items = [one for one in plants.all.values() if one["bed"] == bed]
    else:
        items = [one for one in plants.of(tenant) if bed in (None, one["bed"])]
    page, size = int(ask.query.get("page", 1)), 3
    further = f"/api/plants/?page={page + 1}" + (f"&bed={bed}" if bed else "")
    following = further if len(items) > page * size else None
    results = [shown(one) for one in items[(page - 1) * size:page * size]]
    return {"count": len(items), "next": following, "results": results}


rest(app, "/api/beds/", who, beds, lambda _, body: {"label": text(body, "label")})
rest(app, "/api/plants/", who, plants, of_bed)


# As Django does: a path without the slash is sent to the one with it.
@app.route("GET", "/api/(?:beds|plants)(?:/[^/]+)?")
def slash(ask):
    return Answer(301, headers=[("location", ask.path + "/")])

if __name__ == "__main__":
    app.serve()
