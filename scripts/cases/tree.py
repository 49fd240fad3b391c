"""A page takes any page of anyone's for its parent, when it is made and when it is moved; it then stands among that one's children.

2witstudios/PageSpace PR #1460.
"""

from kit import BUG, Answer, App, Kept, bearer, missing, numbered, rest, shown, text

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "drv_elm", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "drv_yew", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
[target]
name = "pages"
url = "$URL"
environment = "test"
settle = "100ms"
[[resource]]
name = "page"
path = "/api/pages"
create = { title = "{canary}" }
list = "GET /api/drives/{tenant}/pages"
[[resource]]
name = "child"
path = "/api/pages"
create = { title = "{canary}", parentId = "{page}" }
list = "GET /api/pages/{page}/children"
"""
ENV = {"KEY_A": "Bearer a-1", "KEY_B": "Bearer b-2"}
LEAKS = ['POST /api/pages (child.create)', 'PUT /api/pages/{child}']

app = App()
TOKENS = {"a-1": "drv_elm", "b-2": "drv_yew"}
pages = Kept(numbered("p"))


def who(ask):
    return bearer(ask, TOKENS)


def accept(tenant, body):
    above = pages.all.get(body.get("parentId"))
    if body.get("parentId") and (not above or (above["tenant"] != tenant and not BUG)):
        raise Answer(404, {"error": "no such parent"})
    return {"title": text(body, "title"), "parentId": body.get("parentId")}


@app.route("GET", "/api/drives/([a-z_]+)/pages")
def listed(ask, drive):
    if who(ask) != drive:
        return missing()
    return [shown(one) for one in pages.of(drive) if not one["parentId"]]


@app.route("GET", "/api/pages/([^/]+)/children")
def children(ask, id):
    above = pages.get(who(ask), id)
    return [shown(one) for one in pages.all.values() if one["parentId"] == above["id"]]


rest(app, "/api/pages", who, pages, accept)

if __name__ == "__main__":
    app.serve()
