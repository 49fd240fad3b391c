"""An action on many objects takes the ids of its body without looking whose they are.

vavallee/bindery issue #947.
"""

from kit import BUG, Answer, App, Kept, counter, key, rest, text

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "north", principal = [{ name = "api", grant = "header", header = "X-Api-Key", value = "$KEY_A" }] },
  { id = "south", principal = [{ name = "api", grant = "header", header = "X-Api-Key", value = "$KEY_B" }] },
]
limits.rate = 5000
[target]
name = "library"
url = "$URL"
environment = "test"
settle = "100ms"
[[resource]]
name = "book"
path = "/api/v1/books"
create = { title = "{canary}" }
[[operation]]
name = "retitle"
request = "POST /api/v1/books/bulk"
body = { action = "retitle", ids = ["{book}"], title = "{canary}" }
effect = "change"
[[operation]]
name = "discard"
request = "POST /api/v1/books/bulk"
body = { action = "discard", ids = ["{book}"] }
effect = "destroy"
"""
ENV = {"KEY_A": "k-n-7", "KEY_B": "k-s-8"}
LEAKS = ['POST /api/v1/books/bulk (discard)', 'POST /api/v1/books/bulk (retitle)']

app = App()
KEYS = {"k-n-7": "north", "k-s-8": "south"}
books = Kept(counter(100))


def who(ask):
    return key(ask, KEYS)


@app.route("POST", "/api/v1/books/bulk")
def bulk(ask):
    tenant, body = who(ask), ask.json or {}
    ids = body.get("ids")
    if not isinstance(ids, list) or not all(isinstance(id, int) for id in ids):
        return Answer(400, {"error": "ids are numbers"})
    chosen = [books.all[id] for id in ids if id in books.all and (BUG or books.all[id]["tenant"] == tenant)]
    for book in chosen:
        if body["action"] == "discard":
            del books.all[book["id"]]
        else:
            book["title"] = text(body, "title")
    return {"done": len(chosen)}


rest(app, "/api/v1/books", who, books, lambda _, body: {"title": text(body, "title")}, int)

if __name__ == "__main__":
    app.serve()
