"""A request that names two objects of one kind: a page is moved under another, an issue is linked to another, and one page is
compared with another. A page can't be under itself, nor an issue linked to itself.

CWE-639: the second one is looked up by its id alone (seen in wikis, trackers and project tools).
"""

from kit import BUG, Answer, App, Kept, bearer, numbered, rest, shown, text

SPEC = """
tenancy.locator = ["token", "header:X-Team"]
tenant = [
  { id = "mint", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "sage", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
target = { name = "wiki", url = "$URL", environment = "test", settle = "100ms" }
operation = [
  { name = "move", request = "POST /pages/{page}/move", body = { parent = "{page}" }, effect = "change" },
  { name = "merge", request = "POST /merge", body = { from = "{page}", into = "{page}" }, effect = "change" },
  { name = "compare", request = "GET /pages/{page}/diff?with={page}" },
  { name = "relate", request = "POST /links/{link}/relate", body = { first = "{page}", second = "{page}" }, effect = "change" },
  { name = "collect", request = "POST /links/{link}/collect", body = { pages = ["{page}"] }, effect = "change" },
  { name = "check", request = "GET /links/{link}/check?one={page}&other={page}" },
]
[[resource]]
name = "page"
path = "/pages"
create = { title = "{canary}" }
replace = { request = "PUT /pages/{page}", body = { id = "{page}", title = "{canary}" } }
[[resource]]
name = "link"
path = "/links"
create = { inward = "{page}", outward = "{page}" }
methods = ["list", "create", "read", "delete"]
"""
ENV = {"KEY_A": "Bearer a-1", "KEY_B": "Bearer b-2"}
LEAKS = [
    "GET /links/{link}/check?one={page}&other={page}",
    "GET /pages/{page}/diff?with={page}",
    "POST /links",
    "POST /links/{link}/collect",
    "POST /links/{link}/relate",
    "POST /merge",
    "POST /pages/{page}/move",
]

app = App()
TOKENS = {"a-1": "mint", "b-2": "sage"}
pages, links = Kept(numbered("pg")), Kept(numbered("ln"))


def who(ask):
    tenant = bearer(ask, TOKENS)
    if ask.headers.get("x-team") not in (None, tenant):
        raise Answer(403, {"error": "not your team"})
    return tenant


def second(tenant, id):
    """Looked up by its id alone with the bug."""
    if BUG and id in pages.all:
        return pages.all[id]
    return pages.get(tenant, id)


def told(page):
    parent = pages.all.get(page.get("parent"))
    return {**shown(page), "parent": parent and {"id": parent["id"], "title": parent["title"]}}


@app.route("POST", "/pages/([^/]+)/move")
def move(ask, id):
    page, parent = pages.get(who(ask), id), second(who(ask), (ask.json or {}).get("parent"))
    if page is parent:
        raise Answer(422, {"error": "a page can't be below itself"})
    page["parent"] = parent["id"]
    return told(page)


@app.route("POST", "/merge")
def merge(ask):
    body = ask.json or {}
    into, other = pages.get(who(ask), body.get("into")), second(who(ask), body.get("from"))
    if into is other:
        raise Answer(400, {"error": "the same page"})
    into["merged"], other["merged_into"] = other["title"], into["id"]
    return Answer(204)


@app.route("GET", "/pages/([^/]+)/diff")
def diff(ask, id):
    page, other = pages.get(who(ask), id), second(who(ask), ask.query.get("with"))
    return Answer(200, f"- {page['title']}\n+ {other['title']}\n")


@app.route("GET", "/pages/([^/]+)")
def show(ask, id):
    return told(pages.get(who(ask), id))


@app.route("PUT", "/pages/([^/]+)")
def replace(ask, id):
    page, body = pages.get(who(ask), id), ask.json or {}
    if body.get("id") != id:
        raise Answer(400, {"error": "the id is another one"})
    page["title"] = text(body, "title")
    return told(page)


def link(tenant, body):
    inward, outward = pages.get(tenant, body.get("inward")), second(tenant, body.get("outward"))
    return {"inward": inward["title"], "outward": outward["title"]}


@app.route("POST", "/links/([^/]+)/relate")
def relate(ask, id):
    found, body = links.get(who(ask), id), ask.json or {}
    first, other = pages.get(who(ask), body.get("first")), second(who(ask), body.get("second"))
    if first is other:
        raise Answer(422, {"error": "a page is not related to itself"})
    found["related"] = [first["title"], other["title"]]
    return shown(found)


@app.route("POST", "/links/([^/]+)/collect")
def collect(ask, id):
    """The first of them is checked, and the others are with the bug taken as they are."""
    found, ids = links.get(who(ask), id), (ask.json or {}).get("pages") or [""]
    taken = [pages.get(who(ask), ids[0]), *(second(who(ask), other) for other in ids[1:])]
    found["collected"] = [page["title"] for page in taken]
    return shown(found)


@app.route("GET", "/links/([^/]+)/check")
def check(ask, id):
    links.get(who(ask), id)
    one, other = pages.get(who(ask), ask.query.get("one")), second(who(ask), ask.query.get("other"))
    return {"one": one["title"], "other": other["title"]}


rest(app, "/pages", who, pages, lambda tenant, body: {"title": text(body, "title")})
rest(app, "/links", who, links, link)

if __name__ == "__main__":
    app.serve()
