"""Every answer tells which revision the whole workspace is at: whatever anyone of the tenant does moves it, in all of its
documents. That is no change of the document by someone else; of a review it is all that can be seen. Documents are archived
and reviewed by their number alone. Answers take their time, so that others come in between.

CWE-639: the lookup of two routes lacks the tenant.
"""

import random
import time

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
  { name = "review", request = "POST /documents/{document}/review", effect = "change" },
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
LEAKS = ["POST /documents/{document}/archive", "POST /documents/{document}/review"]

app = App()
KEYS = {"key-of-teal": "teal", "key-of-plum": "plum"}
documents, labels = Kept(counter(30)), Kept(counter(30))
revisions = {"teal": 0, "plum": 0}


def who(ask):
    return key(ask, KEYS)


def moved(tenant):
    revisions[tenant] += 1
    return tenant


def found(tenant, number):
    one = documents.all.get(int(number)) if BUG else None
    return one or documents.get(tenant, int(number))


@app.route("POST", "/documents/([0-9]+)/archive")
def archive(ask, number):
    tenant = moved(who(ask))
    found(tenant, number)["archived"] = True
    return Answer(204)


@app.route("POST", "/documents/([0-9]+)/review")
def review(ask, number):
    moved(found(who(ask), number)["tenant"])
    return Answer(204)


@app.route("POST", "/documents/([0-9]+)/attach")
def attach(ask, number):
    tenant = moved(who(ask))
    one = documents.get(tenant, int(number))
    label = labels.all.get(int(ask.query.get("label") or 0))
    if label is None or label["tenant"] != tenant:
        raise Answer(422, {"error": "there is no such label"})
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
    time.sleep(random.random() / 30)
    try:
        told = plain(ask)
    except Answer as refusal:
        told = refusal
    tenant = KEYS.get(ask.headers.get("x-api-key"))
    told.headers.append(("X-Revision", str(revisions.get(tenant))))
    if tenant and told.kind == "application/json" and told.body.startswith(b"{"):
        told.body = told.body[:-1] + f', "workspace": {{"revision": {revisions[tenant]}}}}}'.encode()
    return told


app.answer = with_revision

if __name__ == "__main__":
    app.serve()
