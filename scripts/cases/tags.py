"""Tags are each tenant's own, by name, and made when they are used; boards have a number that counts in each tenant. What is
tagged, and what is on a board, is joined by the name or the number alone, and a tag is taken off so.

CWE-639: a join that lacks the tenant; a tag is looked up in the tenant, its items are not.
"""

from kit import BUG, Answer, App, Kept, bearer, numbered, own, rest, shown, text

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "rook", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "finch", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
operation = [{ name = "tagged", request = "GET /tags/{tag}/items" }]
target = { name = "bookmarks", url = "$URL", environment = "test", settle = "100ms" }
[[resource]]
name = "tag"
create = { request = "PUT /tags/{tag}", body = { colour = "{canary}" } }
path = "/tags"
methods = ["list", "create", "read", "delete"]
[[resource]]
name = "board"
path = "/boards"
create = { title = "{canary}" }
[[resource]]
name = "item"
path = "/items"
create = { title = "{canary}", tags = ["{tag}"], board = "{board}" }
views = { of-tag = "GET /items?tag={tag}", on-board = "GET /boards/{board}/items" }
"""
ENV = {"KEY_A": "Bearer a-1", "KEY_B": "Bearer b-2"}
LEAKS = ["DELETE /tags/{tag}", "GET /boards/{board}/items", "GET /items?tag={tag}", "GET /tags/{tag}/items"]

app = App()
TOKENS = {"a-1": "rook", "b-2": "finch"}
tags, boards, counts = {}, {}, {"rook": 0, "finch": 5}
items = Kept(numbered("i"))


def who(ask):
    return bearer(ask, TOKENS)


def of(tenant, is_it):
    return [shown(item) for item in items.all.values() if is_it(item) and (BUG or item["tenant"] == tenant)]


@app.route("GET", "/tags/([^/]+)/items")
def tagged(ask, name):
    tenant = who(ask)
    own(tags, tenant, name)
    return of(tenant, lambda item: name in item["tags"])


@app.route("GET", "/items")
def list_items(ask):
    tenant, name = who(ask), ask.query.get("tag")
    if name is None:
        return [shown(item) for item in items.of(tenant)]
    return of(tenant, lambda item: name in item["tags"]) if (tenant, name) in tags else []


@app.route("GET", "/boards/([0-9]+)/items")
def on_board(ask, id):
    tenant = who(ask)
    own(boards, tenant, int(id))
    return of(tenant, lambda item: item["board"] == int(id))


@app.route("POST", "/boards")
def new_board(ask):
    tenant, title = who(ask), text(ask.json or {}, "title")
    counts[tenant] += 1
    boards[tenant, counts[tenant]] = {"id": counts[tenant], "title": title}
    return Answer(201, boards[tenant, counts[tenant]])


@app.route("PUT", "/tags/([^/]+)")
def new_tag(ask, name):
    tags[who(ask), name] = {"id": name, "colour": text(ask.json or {}, "colour")}
    return Answer(201, tags[who(ask), name])


def kept_by_tenant(path, kept, id_of):
    @app.route("GET", path)
    def listed(ask):
        tenant = who(ask)
        return [one for (other, _), one in kept.items() if other == tenant]

    @app.route("GET", path + "/([^/]+)")
    def read(ask, id):
        return own(kept, who(ask), id_of(id))

    @app.route("PUT", path + "/([^/]+)")
    @app.route("PATCH", path + "/([^/]+)")
    def change(ask, id):
        own(kept, who(ask), id_of(id)).update({name: value for name, value in (ask.json or {}).items() if name != "id"})
        return own(kept, who(ask), id_of(id))

    @app.route("DELETE", path + "/([^/]+)")
    def delete(ask, id):
        own(kept, who(ask), id_of(id))
        for item in list(items.all.values()) if kept is tags else []:
            if BUG or item["tenant"] == who(ask):
                item["tags"] = [name for name in item["tags"] if name != id]
        del kept[who(ask), id_of(id)]
        return Answer(204)


kept_by_tenant("/tags", tags, str)
kept_by_tenant("/boards", boards, int)


def accept(tenant, body):
    names, board = body.get("tags") or [], body.get("board")
    if (tenant, board) not in boards:
        raise Answer(400, {"error": "no such board"})
    for name in names:
        tags.setdefault((tenant, name), {"id": name, "colour": ""})
    return {"title": text(body, "title"), "tags": names, "board": board}


rest(app, "/items", who, items, accept)

if __name__ == "__main__":
    app.serve()
