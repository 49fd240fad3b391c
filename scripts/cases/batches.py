"""Requests that name several objects: one looks at the first alone, one is content if any is the caller's, one does not look
at the second, one not at those that are merged into the caller's own. A last one takes exactly one id.

The shape of Zabbix's event.acknowledge and of merges in help desks; CWE-639 in bulk requests.
"""

from kit import BUG, Answer, App, Kept, key, missing, numbered, rest, shown, text

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "elm", principal = [{ name = "api", grant = "header", header = "X-Api-Key", value = "$KEY_A" }] },
  { id = "yew", principal = [{ name = "api", grant = "header", header = "X-Api-Key", value = "$KEY_B" }] },
]
limits.rate = 5000
operation = [
  { name = "look-up", request = "POST /v1/look-up", body = { ids = ["{card}"] }, effect = "read" },
  { name = "archive", request = "POST /v1/archive", body = { cards = [{ id = "{card}" }] }, effect = "change" },
  { name = "swap", request = "POST /v1/swap", body = { ids = ["{card}", "{card}"] }, effect = "change" },
  { name = "compare", request = "GET /v1/compare?id={card}&id={card}" },
  { name = "merge", request = "POST /v1/cards/{card}/merge", body = { from = ["{card}"] }, effect = "change" },
  { name = "discard", request = "POST /v1/discard", body = { ids = ["{card}"] }, effect = "destroy" },
]
[target]
name = "cards"
url = "$URL"
environment = "test"
settle = "100ms"
[[resource]]
name = "card"
path = "/v1/cards"
create = { title = "{canary}" }
"""
ENV = {"KEY_A": "k-e-1", "KEY_B": "k-y-2"}
LEAKS = [
    "GET /v1/compare?id={card}&id={card}", "POST /v1/archive", "POST /v1/cards/{card}/merge", "POST /v1/look-up",
    "POST /v1/swap",
]

app = App()
KEYS = {"k-e-1": "elm", "k-y-2": "yew"}
cards = Kept(numbered("c"))


def who(ask):
    return key(ask, KEYS)


def chosen(tenant, ids, *, looked_at):
    """The cards of these ids, of which those at `looked_at` must be the caller's; sound, all of them."""
    if not isinstance(ids, list) or not ids or any(id not in cards.all for id in ids):
        raise missing()
    for id in ids[looked_at] if BUG else ids:
        cards.get(tenant, id)
    return [cards.all[id] for id in ids]


@app.route("POST", "/v1/look-up")
def look_up(ask):
    return [shown(card) for card in chosen(who(ask), ask.json["ids"], looked_at=slice(1))]


@app.route("GET", "/v1/compare")
def compare(ask):
    ids = [pair.partition("=")[2] for pair in ask.target.partition("?")[2].split("&")]
    if len(set(ids)) != 2:
        return Answer(422, {"error": "two different ones"})
    return [shown(card) for card in chosen(who(ask), ids, looked_at=slice(1))]


@app.route("POST", "/v1/archive")
def archive(ask):
    tenant, ids = who(ask), [card.get("id") for card in ask.json["cards"]]
    mine = [id for id in ids if id in cards.all and cards.all[id]["tenant"] == tenant]
    if not (any(mine) and all(id in cards.all for id in ids)) or (len(mine) < len(ids) and not BUG):
        return missing()
    for id in ids:
        cards.all[id]["archived"] = True
    return {"archived": len(ids)}


@app.route("POST", "/v1/swap")
def swap(ask):
    ids = ask.json["ids"]
    if len(set(ids)) != 2:
        return Answer(422, {"error": "two different ones"})
    for rank, card in enumerate(chosen(who(ask), ids, looked_at=slice(1)), 1):
        card["rank"] = rank
    return Answer(204)


@app.route("POST", "/v1/cards/([^/]+)/merge")
def merge(ask, id):
    tenant = who(ask)
    into, ids = cards.get(tenant, id), ask.json["from"]
    if into["id"] in ids:
        return Answer(422, {"error": "not into itself"})
    for card in chosen(tenant, ids, looked_at=slice(0)):
        card["merged"] = True
    return Answer(204)


@app.route("POST", "/v1/discard")
def discard(ask):
    tenant, ids = who(ask), ask.json["ids"]
    if len(ids) != 1:
        return Answer(422, {"error": "one at a time"})
    del cards.all[cards.get(tenant, ids[0])["id"]]
    return Answer(204)


rest(app, "/v1/cards", who, cards, lambda _, body: {"title": text(body, "title")})

if __name__ == "__main__":
    app.serve()
