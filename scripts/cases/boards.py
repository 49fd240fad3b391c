"""Cards of a board, changed and archived many at a time by an array of {id, …} below the board. Global ids.

CWE-639: all but the first card of the array are found by id alone.
"""

from kit import BUG, Answer, App, Kept, bearer, below, numbered, rest, rest_below, text

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


def board(ask, id):
    return boards.get(who(ask), id)


def card(b, id, is_checked):
    if not is_checked and id in cards.all:
        return cards.all[id]
    return below(cards, b, id)


C = "/boards/([^/]+)/cards"
rest(app, "/boards", who, boards, lambda _tenant, body: {"name": text(body, "name")})
rest_below(app, C, board, cards, lambda body: {"title": text(body, "title")})


@app.route("PATCH", C)
def edit(ask, b):
    b, rows = board(ask, b), ask.json
    if not isinstance(rows, list) or not rows or not all(isinstance(r, dict) and isinstance(r.get("id"), str) for r in rows):
        raise Answer(400, {"error": "an array, please"})
    found = [card(b, r["id"], not BUG or n == 0) for n, r in enumerate(rows)]
    for c, r in zip(found, rows):
        c["title"] = text(r, "title")
    return Answer(204)


if __name__ == "__main__":
    app.serve()
