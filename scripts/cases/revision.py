"""Every answer tells which revision the whole workspace is at: whatever anyone of the tenant does moves it, in all of its
documents. That is no change of the document by someone else. Documents are archived by their number alone.

CWE-639: the lookup of one route lacks the tenant.
"""

from kit import BUG, Answer, App, Kept, counter, key, rest, text

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "teal", principal = [{ name = "api", grant = "header", header = "X-Api-Key", value = "$KEY_A" }] },
  { id = "plum", principal = [{ name = "api", grant = "header", header = "X-Api-Key", value = "$KEY_B" }] },
]
limits.rate = 5000
target = { name = "workspace", url = "$URL", environment = "test", settle = "100ms" }
operation = [
  { name = "archive", request = "POST /documents/{document}/archive", effect = "change" },
  { name = "attach", request = "POST /documents/{document}/attach?label={label}", effect = "change" },
]
[[resource]]
name = "document"
path = "/documents"
create = { title = "{canary}" }
[[resource]]
name = "label"
path = "/labels"
create = { title = "{canary}" }
"""
ENV = {"KEY_A": "key-of-teal", "KEY_B": "key-of-plum"}
LEAKS = ["POST /documents/{document}/archive"]

app = App()
KEYS = {"key-of-teal": "teal", "key-of-plum": "plum"}
documents, labels = Kept(counter(30)), Kept(counter(30))
revisions = {"teal": 0, "plum": 0}


def who(ask):
    return key(ask, KEYS)


def moved(tenant):
    revisions[tenant] += 1
    return tenant


@app.route("POST", "/documents/([0-9]+)/archive")
def archive(ask, number):
    tenant = moved(who(ask))
    one = documents.all.get(int(number)) if BUG else documents.get(tenant, int(number))
    if one is None:
        documents.get(tenant, int(number))
    one["archived"] = True
    return Answer(204)


@app.route("POST", "/documents/([0-9]+)/attach")
def attach(ask, number):
    tenant = moved(who(ask))
    one = documents.get(tenant, int(number))
    label = labels.get(tenant, int(ask.query.get("label") or 0))
    one["labels"] = [*one["labels"], label["id"]]
    return {"attached": label["id"]}


def document(tenant, body):
    moved(tenant)
    return {"title": text(body, "title"), "archived": body.get("archived") is True, "labels": body.get("labels") or []}


def label(tenant, body):
    moved(tenant)
    return {"title": text(body, "title")}


rest(app, "/documents", who, documents, document, int)
rest(app, "/labels", who, labels, label, int)
plain = app.answer


def with_revision(ask):
    told = plain(ask)
    tenant = KEYS.get(ask.headers.get("x-api-key"))
    if tenant and told.kind == "application/json" and told.body.startswith(b"{"):
        told.body = told.body[:-1] + f', "workspace": {{"revision": {revisions[tenant]}}}}}'.encode()
    return told


app.answer = with_revision

if __name__ == "__main__":
    app.serve()
