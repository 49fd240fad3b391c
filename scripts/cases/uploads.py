"""A file is fetched, removed and linked to by its key in the store, before anyone looks whose it is.

bigcapitalhq/bigcapital PR #1093, GHSA-rc4v-wq22-v6cf.
"""

from kit import BUG, Answer, App, Kept, bearer, missing, numbered

SPEC = """
tenancy.locator = "header:X-Org"
tenant = [
  { id = "quartz", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "slate", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
[target]
name = "books"
url = "$URL"
hosts = ["$BESIDE"]
environment = "test"
settle = "100ms"
[[resource]]
name = "file"
path = "/api/files"
create = { request = "POST /api/files", multipart = { note = "{unique}", file = "{file:receipt.pdf}" } }
read = "GET /api/files/{file}"
methods = ["create", "read", "delete"]
id = "$.data.key"
[[operation]]
name = "link"
request = "GET /api/files/{file}/link"
follow = "$.url"
"""
ENV = {"KEY_A": "Bearer a-1", "KEY_B": "Bearer b-2"}
LEAKS = ['GET /api/files/{file}', 'DELETE /api/files/{file}', 'GET /api/files/{file}/link']

# The store has a host of its own, where a link opens for whoever has it.
app, store = App(), App()
TOKENS = {"a-1": "quartz", "b-2": "slate"}
files = Kept(numbered("f-"))


def who(ask):
    tenant = bearer(ask, TOKENS)
    if ask.headers.get("x-org") != tenant:
        raise Answer(403, {"error": "not a member"})
    return tenant


def file(ask, key):
    tenant = who(ask)
    one = files.all.get(key)
    if one is None or (one["tenant"] != tenant and not BUG):
        raise missing()
    return one


@app.route("POST", "/api/files")
def upload(ask):
    tenant, parts = who(ask), ask.parts
    if "file" not in parts or not parts["file"][0]:
        return Answer(400, {"error": "a file, please"})
    return Answer(201, {"data": {"key": files.add(tenant, content=parts["file"][1])["id"]}})


@app.route("GET", "/api/files/([^/]+)")
def read(ask, key):
    return Answer(200, file(ask, key)["content"])


@app.route("DELETE", "/api/files/([^/]+)")
def delete(ask, key):
    del files.all[file(ask, key)["id"]]
    return {"deleted": True}


@app.route("GET", "/api/files/([^/]+)/link")
def link(ask, key):
    return {"url": f"{app.beside}/store/{file(ask, key)['id']}?expires=900&signature=5f1e7c9a2b3d4e6f8a9b0c1d2e3f4a5b"}


@store.route("GET", "/store/([^/]+)")
def fetch(ask, key):
    if "signature" not in ask.query:
        return Answer(403, "no signature")
    return Answer(200, files.all[key]["content"]) if key in files.all else missing()

if __name__ == "__main__":
    app.serve(store)
