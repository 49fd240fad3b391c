"""Cards of a board, changed and archived many at a time by an array of {id, …} below the board. Global ids.

CWE-639: all but the first card of the array are found by id alone.
"""

from kit import BUG, Answer, App, Kept, bearer, missing, numbered, shown, text

SPEC = '''
tenancy.locator = "token"
tenant = [
  { id = "acme", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "globex", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
target = { name = "boards", url = "$URL", environment = "test", settle = "100ms" }
[[resource]]
name = "board"
path = "/boards"
create = { name = "{canary}" }
[[resource]]
name = "card"
path = "/boards/{board}/cards"
create = { title = "{canary}" }
[[operation]]
name = "edit"
request = "PATCH /boards/{board}/cards"
body = [{ id = "{card}", title = "{canary}" }]
effect = "change"
'''
ENV = {"KEY_A": "Bearer bo-acme-1", "KEY_B": "Bearer bo-globex-2"}
LEAKS = ["PATCH /boards/{board}/cards"]
app = App()
TOKENS = {"bo-acme-1": "acme", "bo-globex-2": "globex"}
boards, cards = Kept(numbered("b")), Kept(numbered("c"))


def who(ask):
    return bearer(ask, TOKENS)


def show(c):
    return {"id": c["id"], "title": c["title"]}


def board(ask, id):
    return boards.get(who(ask), id)


def card(b, id, checked=True):
    c = cards.all.get(id) if isinstance(id, str) else None
    if c is None or (checked and c["board"] != b["id"]):
        raise missing()
    return c


app.route("GET", "/boards")(lambda ask: [shown(b) for b in boards.of(who(ask))])
app.route("POST", "/boards")(lambda ask: Answer(201, shown(boards.add(who(ask), name=text(ask.json or {}, "name")))))
app.route("GET", "/boards/([^/]+)")(lambda ask, id: shown(board(ask, id)))


@app.route("PUT", "/boards/([^/]+)")
@app.route("PATCH", "/boards/([^/]+)")
def change_b(ask, id):
    b = board(ask, id)
    b["name"] = text(ask.json or {}, "name")
    return shown(b)


@app.route("DELETE", "/boards/([^/]+)")
def del_b(ask, id):
    b = board(ask, id)
    del boards.all[b["id"]]
    for c in [c for c in cards.all.values() if c["board"] == id]:
        del cards.all[c["id"]]
    return Answer(204)


C = "/boards/([^/]+)/cards"
app.route("GET", C)(lambda ask, b: [show(c) for c in cards.all.values() if c["board"] == board(ask, b)["id"]])
app.route("POST", C)(lambda ask, b: Answer(201, show(cards.add(who(ask), board=board(ask, b)["id"], title=text(ask.json or {}, "title")))))
app.route("GET", C + "/([^/]+)")(lambda ask, b, c: show(card(board(ask, b), c)))


@app.route("PATCH", C)
def edit(ask, b):
    b, rows = board(ask, b), ask.json
    if not isinstance(rows, list) or not rows or not all(isinstance(r, dict) for r in rows):
        raise Answer(400, {"error": "an array, please"})
    found = [card(b, r.get("id"), not BUG or n == 0) for n, r in enumerate(rows)]
    for c, r in zip(found, rows):
        c["title"] = text(r, "title")
    return Answer(204)


@app.route("PUT", C + "/([^/]+)")
@app.route("PATCH", C + "/([^/]+)")
def change_c(ask, b, c):
    c = card(board(ask, b), c)
    c["title"] = text(ask.json or {}, "title")
    return show(c)


@app.route("DELETE", C + "/([^/]+)")
def del_c(ask, b, c):
    del cards.all[card(board(ask, b), c)["id"]]
    return Answer(204)


if __name__ == "__main__":
    app.serve()
