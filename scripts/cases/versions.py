"""Documents with versions: every change needs If-Match and makes a version, which can be read and restored.

CWE-639: a version is found by its id alone, when it is read and when a document is restored to it.
"""

from kit import BUG, Answer, App, Kept, bearer, missing, numbered, shown, text

SPEC = '''
tenancy.locator = ["token", "path"]
tenant = [
  { id = "acme", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "globex", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
target = { name = "docs", url = "$URL", environment = "test", settle = "100ms" }
operation = [
  { name = "restore", request = "POST /{tenant}/docs/{doc}/restore", headers = { If-Match = "*" }, body = { version = "{version}" }, effect = "change", concerns = "doc" },
  { name = "diff", request = "GET /{tenant}/docs/{doc}/diff?from={version}&to={version}" },
]
[[resource]]
name = "doc"
path = "/{tenant}/docs"
create = { title = "{canary}" }
replace = { request = "PUT /{tenant}/docs/{doc}", headers = { If-Match = "*" }, body = { title = "{canary}" } }
patch = { request = "PATCH /{tenant}/docs/{doc}", headers = { If-Match = "*", Content-Type = "application/merge-patch+json" }, body = { title = "{canary}" } }
delete = { request = "DELETE /{tenant}/docs/{doc}", headers = { If-Match = "*" } }
[[resource]]
name = "version"
path = "/{tenant}/docs/{doc}/versions"
create = { text = "{canary}" }
methods = ["list", "create", "read"]
'''
ENV = {"KEY_A": "Bearer docs-acme-1", "KEY_B": "Bearer docs-globex-2"}
LEAKS = [
    "GET /{tenant}/docs/{doc}/diff?from={version}&to={version}",
    "GET /{tenant}/docs/{doc}/versions/{version}",
    "POST /{tenant}/docs/{doc}/restore",
]
app = App()
TOKENS = {"docs-acme-1": "acme", "docs-globex-2": "globex"}
docs, versions = Kept(numbered("d-")), Kept(numbered("v-"))


def who(ask, slug):
    t = bearer(ask, TOKENS)
    if t != slug:
        raise missing()
    return t


def doc(ask, slug, id, writes=False):
    one = docs.get(who(ask, slug), id)
    if writes:
        if ask.headers.get("if-match") is None:
            raise Answer(428, {"error": "If-Match is required"})
        if ask.headers["if-match"] not in ("*", f'"{one["rev"]}"'):
            raise Answer(412, {"error": "changed meanwhile"})
    return one


def told(one, status=200):
    return Answer(status, {"id": one["id"], "title": one["title"], "text": one["text"], "revision": one["rev"]}, [("etag", f'"{one["rev"]}"')])


def version(tenant, of, id, is_checked):
    v = versions.all.get(id)
    if v is None or (is_checked and (v["tenant"] != tenant or v["doc"] != of)):
        raise missing()
    return v


def show(v):
    return {"id": v["id"], "text": v["text"]}


D = "/([a-z]+)/docs"


@app.route("GET", D)
def list_docs(ask, slug):
    return {"docs": [{"id": d["id"], "title": d["title"]} for d in docs.of(who(ask, slug))]}


@app.route("POST", D)
def new_doc(ask, slug):
    t = who(ask, slug)
    return told(docs.add(t, title=text(ask.json or {}, "title"), text="", rev=1), 201)


@app.route("GET", D + "/([^/]+)")
def read_doc(ask, slug, id):
    return told(doc(ask, slug, id))


@app.route("PUT", D + "/([^/]+)")
@app.route("PATCH", D + "/([^/]+)")
def change_doc(ask, slug, id):
    d = doc(ask, slug, id, True)
    d["title"] = text(ask.json or {}, "title")
    d["rev"] += 1
    return told(d)


@app.route("DELETE", D + "/([^/]+)")
def delete_doc(ask, slug, id):
    del docs.all[doc(ask, slug, id, True)["id"]]
    for v in [v for v in versions.all.values() if v["doc"] == id]:
        del versions.all[v["id"]]
    return Answer(204)


@app.route("GET", D + "/([^/]+)/versions")
def list_versions(ask, slug, id):
    d = doc(ask, slug, id)
    return [show(v) for v in versions.all.values() if v["doc"] == d["id"]]


@app.route("POST", D + "/([^/]+)/versions")
def new_version(ask, slug, id):
    d = doc(ask, slug, id)
    v = versions.add(d["tenant"], doc=d["id"], text=text(ask.json or {}, "text"))
    d["text"] = v["text"]
    d["rev"] += 1
    return Answer(201, show(v))


@app.route("GET", D + "/([^/]+)/versions/([^/]+)")
def read_version(ask, slug, id, v):
    d = doc(ask, slug, id)
    return show(version(d["tenant"], d["id"], v, not BUG))


@app.route("POST", D + "/([^/]+)/restore")
def restore(ask, slug, id):
    d = doc(ask, slug, id, True)
    d["text"] = version(d["tenant"], d["id"], (ask.json or {}).get("version"), not BUG)["text"]
    d["rev"] += 1
    return Answer(204, None, [("etag", f'"{d["rev"]}"')])


@app.route("GET", D + "/([^/]+)/diff")
def diff(ask, slug, id):
    d = doc(ask, slug, id)
    a = version(d["tenant"], d["id"], ask.query.get("from"), True)
    b = version(d["tenant"], d["id"], ask.query.get("to"), not BUG)
    return Answer(200, f"--- {a['text']}\n+++ {b['text']}\n")


if __name__ == "__main__":
    app.serve()
