"""A deck is made of cards, of which it looks at the first alone, and so does a pair, which takes two.

CWE-639 in what is made of several: the others are linked without a look.
"""

from kit import BUG, Answer, App, Kept, key, missing, numbered, rest, shown, text

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "elm", principal = [{ name = "api", grant = "header", header = "X-Api-Key", value = "$KEY_A" }] },
  { id = "yew", principal = [{ name = "api", grant = "header", header = "X-Api-Key", value = "$KEY_B" }] },
]
limits.rate = 5000
target = { name = "decks", url = "$URL", environment = "test", settle = "100ms" }
[[resource]]
name = "card"
path = "/cards"
create = { title = "{canary}" }
[[resource]]
name = "deck"
path = "/decks"
create = { name = "{canary}", cards = ["{card}"] }
methods = ["list", "create", "read", "delete"]
[[resource]]
name = "pair"
path = "/pairs"
create = { name = "{canary}", cards = ["{card}", "{card}"] }
methods = ["list", "create", "read", "delete"]
"""
ENV = {"KEY_A": "k-e-1", "KEY_B": "k-y-2"}
LEAKS = ["POST /decks", "POST /pairs"]

app = App()
KEYS = {"k-e-1": "elm", "k-y-2": "yew"}
cards, decks, pairs = Kept(numbered("c")), Kept(numbered("d")), Kept(numbered("p"))


def who(ask):
    return key(ask, KEYS)


rest(app, "/cards", who, cards, lambda _, body: {"title": text(body, "title")})


def made_of_cards(path, kept, is_enough):
    def accept(tenant, body):
        ids = body.get("cards")
        if not isinstance(ids, list) or not is_enough(ids):
            raise Answer(422, {"error": "which cards?"})
        for id in ids[:1] if BUG else ids:
            cards.get(tenant, id)
        if any(id not in cards.all for id in ids):
            raise missing()
        return {"name": text(body, "name"), "cards": ids}

    rest(app, path, who, kept, accept)

    @app.route("GET", path + "/([^/]+)/cards")
    def titles(ask, id):
        return [shown(cards.all[card]) for card in kept.get(who(ask), id)["cards"]]


made_of_cards("/decks", decks, lambda ids: ids)
made_of_cards("/pairs", pairs, lambda ids: len(set(ids)) == 2)

if __name__ == "__main__":
    app.serve()
