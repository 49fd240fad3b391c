"""A document is duplicated by its number, whosever it is. The copy is then in the list of whoever asked for it, as any other of
its own: what the list shows is no fault of the list's.

CWE-639: the original is loaded by its id alone.
"""

from kit import BUG, Answer, App, Kept, counter, key, missing, rest, shown, text

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "rose", principal = [{ name = "api", grant = "header", header = "X-Api-Key", value = "$KEY_A" }] },
  { id = "iris", principal = [{ name = "api", grant = "header", header = "X-Api-Key", value = "$KEY_B" }] },
]
limits.rate = 5000
target = { name = "documents", url = "$URL", environment = "test", settle = "100ms" }
operation = [
  { name = "duplicate", request = "POST /documents/{document}/duplicate", effect = "create" },
]
[[resource]]
name = "document"
path = "/documents"
create = { title = "{canary}" }
views = { newest = "GET /documents?sort=newest" }
"""
ENV = {"KEY_A": "key-of-rose", "KEY_B": "key-of-iris"}
LEAKS = ["POST /documents/{document}/duplicate"]

app = App()
KEYS = {"key-of-rose": "rose", "key-of-iris": "iris"}
documents = Kept(counter(30))


def who(ask):
    return key(ask, KEYS)


@app.route("POST", "/documents/([0-9]+)/duplicate")
def duplicate(ask, number):
    tenant = who(ask)
    original = documents.all.get(int(number))
    if original is None or (original["tenant"] != tenant and not BUG):
        raise missing()
    return Answer(201, shown(documents.add(tenant, title=original["title"])))


rest(app, "/documents", who, documents, lambda _, body: {"title": text(body, "title")}, int)

if __name__ == "__main__":
    app.serve()
