"""What changes many at once: messages are marked as read together, and removed together; a board's cards are done together.

CWE-639: the statements that change rows have the filter in their condition and forget whose the rows are.
"""

from kit import BUG, Answer, App, Kept, counter, key, missing, numbered, rest, text

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "wren", principal = [{ name = "api", grant = "header", header = "X-Api-Key", value = "$KEY_A" }] },
  { id = "crow", principal = [{ name = "api", grant = "header", header = "X-Api-Key", value = "$KEY_B" }] },
]
limits.rate = 5000
target = { name = "inbox", url = "$URL", environment = "test", settle = "100ms" }
operation = [
  { name = "read-all", request = "POST /messages/read-all", effect = "change", changes = ["message"] },
  { name = "empty", request = "DELETE /messages?state=any", effect = "destroy", changes = ["message"] },
  { name = "finish", request = "POST /boards/{board}/finish", effect = "change", changes = ["card"] },
]
[[resource]]
name = "message"
path = "/messages"
create = { subject = "{canary}" }
[[resource]]
name = "board"
path = "/boards"
create = { title = "{canary}" }
[[resource]]
name = "card"
path = "/cards"
create = { title = "{canary}", board = "{board}" }
"""
ENV = {"KEY_A": "key-of-wren", "KEY_B": "key-of-crow"}
LEAKS = ["DELETE /messages?state=any", "POST /boards/{board}/finish", "POST /messages/read-all"]

app = App()
KEYS = {"key-of-wren": "wren", "key-of-crow": "crow"}
messages, boards, cards = Kept(numbered("m")), Kept(counter()), Kept(numbered("c"))


def who(ask):
    return key(ask, KEYS)


def theirs(kept, tenant):
    return list(kept.all.values()) if BUG else kept.of(tenant)


@app.route("POST", "/messages/read-all")
def read_all(ask):
    unread = [one for one in theirs(messages, who(ask)) if not one.get("read")]
    for one in unread:
        one["read"] = True
    return Answer(202, {"accepted": True})


@app.route("DELETE", "/messages")
def empty(ask):
    tenant = who(ask)
    if ask.query.get("state") != "any":
        return Answer(400, {"error": "which ones?"})
    for one in theirs(messages, tenant):
        del messages.all[one["id"]]
    return Answer(204)


@app.route("POST", "/boards/([0-9]+)/finish")
def finish(ask, board):
    tenant = who(ask)
    if not BUG:
        boards.get(tenant, int(board))
    elif int(board) not in boards.all:
        raise missing()
    for card in cards.all.values():
        if card["board"] == int(board):
            card["done"] = True
    return {"board": int(board), "state": "finished"}


def of_board(tenant, body):
    boards.get(tenant, body.get("board"))
    return {"title": text(body, "title"), "board": body["board"], "done": body.get("done") is True}


rest(app, "/messages", who, messages, lambda _, body: {"subject": text(body, "subject"), "read": body.get("read") is True})
rest(app, "/boards", who, boards, lambda _, body: {"title": text(body, "title")}, int)
rest(app, "/cards", who, cards, of_board)

if __name__ == "__main__":
    app.serve()
