"""Someone whose session goes over from one workspace to another, and keeps what it could see before.

After CWE-613 and reports on workspace switchers: the workspaces that a session has opened are kept beside the one that it
is in. Support is let in by the owner, and out again; that is sound.
"""

import secrets

from kit import BUG, Answer, App, Kept, counter, missing, shown, text

SPEC = """
tenancy.locator = "token"
limits.rate = 5000
target = { name = "boards", url = "$URL", environment = "test", settle = "100ms" }
tenant = [
  { id = "heath", principal = [{ name = "owner", grant = "header", header = "X-Key", value = "$KEY_A" }] },
  { id = "grove", principal = [{ name = "owner", grant = "header", header = "X-Key", value = "$KEY_B" }] },
]
act = [
  { name = "go-over", kind = "switch", of = "ann", request = "POST /switch", json = { workspace = "{to}" } },
  { name = "let-support-in", kind = "support", of = "helper", by = "owner", request = "POST /support", json = { user = "helper" }, take = { grant = "$.id" }, undo = "DELETE /support/{grant}" },
]
[[person]]
name = "ann"
tenants = ["heath", "grove"]
grant = "session"
steps = [{ request = "POST /login", form = { user = "ann", password = "$PASSWORD", workspace = "{tenant}" } }]
[[staff]]
name = "helper"
grant = "session"
steps = [{ request = "POST /login", form = { user = "helper", password = "$HELPER", workspace = "{tenant}" } }]
[[resource]]
name = "board"
path = "/boards"
create = { title = "{canary}" }
methods = ["list", "create", "read", "delete"]
"""
ENV = {"KEY_A": "heath-0417-aa31", "KEY_B": "grove-5528-bb42", "PASSWORD": "pw-of-ann-6614", "HELPER": "pw-of-helper-3391"}
LEAKS = ["act go-over in grove", "act go-over in heath"]

app = App()
OWNERS = {ENV["KEY_A"]: "heath", ENV["KEY_B"]: "grove"}
PASSWORDS = {"ann": ENV["PASSWORD"], "helper": ENV["HELPER"]}
sessions, grants, boards = {}, {}, Kept(counter())


def opened(ask):
    """The workspace that a request is in, and those that it may look into."""
    if ask.headers.get("x-key") in OWNERS:
        return OWNERS[ask.headers["x-key"]], []
    session = sessions.get(ask.cookies.get("sid"))
    if not session:
        raise Answer(401, {"error": "log in, please"})
    may_enter = session["user"] == "ann" or ("helper", session["in"]) in grants.values()
    if not may_enter:
        raise Answer(403, {"error": "forbidden"})
    return session["in"], session["been"] if BUG else []


@app.route("POST", "/login")
def log_in(ask):
    if PASSWORDS.get(ask.form.get("user")) != ask.form.get("password"):
        return Answer(401, {"error": "wrong name or password"})
    id = secrets.token_hex(20)
    sessions[id] = {"user": ask.form["user"], "in": ask.form["workspace"], "been": []}
    return Answer(302, headers=[("location", "/boards"), ("set-cookie", f"sid={id}; HttpOnly; Path=/")])


@app.route("POST", "/switch")
def switch(ask):
    opened(ask)
    session = sessions[ask.cookies["sid"]]
    if session["user"] != "ann":
        return Answer(403, {"error": "forbidden"})
    session["been"].append(session["in"])
    session["in"] = ask.json["workspace"]
    return Answer(204)


@app.route("POST", "/support")
def let_in(ask):
    workspace, _ = opened(ask)
    id = secrets.token_hex(4)
    grants[id] = (text(ask.json, "user"), workspace)
    return Answer(201, {"id": id})


@app.route("DELETE", "/support/([0-9a-f]+)")
def let_out(ask, id):
    workspace, _ = opened(ask)
    if grants.get(id, (None, None))[1] != workspace:
        return Answer(404, {"error": "not found"})
    del grants[id]
    return Answer(204)


@app.route("GET", "/boards")
def every(ask):
    return [shown(one) for one in boards.of(opened(ask)[0])]


@app.route("POST", "/boards")
def create(ask):
    return Answer(201, shown(boards.add(opened(ask)[0], title=text(ask.json, "title"))))


@app.route("GET", "/boards/([0-9]+)")
def read(ask, id):
    workspace, been = opened(ask)
    one = boards.all.get(int(id))
    if not one or one["tenant"] not in [workspace, *been]:
        raise missing()
    return shown(one)


@app.route("DELETE", "/boards/([0-9]+)")
def delete(ask, id):
    del boards.all[boards.get(opened(ask)[0], int(id))["id"]]
    return Answer(204)


if __name__ == "__main__":
    app.serve()
