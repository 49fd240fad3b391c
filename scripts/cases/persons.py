"""Someone who belongs to two workspaces, in one at a time; a document is shown to whoever is a member of its workspace.

After reports on workspace switchers: the item asks for a membership, and not for the workspace that the session is in.
A session that has gone over to another workspace keeps what it could see before.
"""

import secrets

from kit import BUG, Answer, App, Kept, bearer, counter, missing, shown, text

SPEC = """
tenancy.locator = "token"
limits.rate = 5000
target = { name = "documents", url = "$URL", environment = "test", settle = "100ms" }
tenant = [
  { id = "heath", principal = [{ name = "owner", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "grove", principal = [{ name = "owner", grant = "header", header = "Authorization", value = "$KEY_B" }] },
  { id = "marsh", principal = [{ name = "owner", grant = "header", header = "Authorization", value = "$KEY_C" }] },
]
[[person]]
name = "ann"
tenants = ["heath", "grove"]
grant = "login"
request = "POST /login"
json = { user = "ann", password = "$PASSWORD", workspace = "{tenant}" }
token = "$.token"
[[resource]]
name = "document"
path = "/documents"
create = { title = "{canary}" }
methods = ["list", "create", "read", "delete"]
"""
ENV = {
    "KEY_A": "Bearer heath-0417-aa31", "KEY_B": "Bearer grove-5528-bb42", "KEY_C": "Bearer marsh-7730-cc53",
    "PASSWORD": "pw-of-ann-6614",
}
LEAKS = ["GET /documents/{document} as grove/ann", "GET /documents/{document} as heath/ann"]

app = App()
MEMBERS = {"owner-heath": ["heath"], "owner-grove": ["grove"], "owner-marsh": ["marsh"], "ann": ["heath", "grove"]}
sessions = {ENV[key].removeprefix("Bearer "): (f"owner-{name}", name) for key, name in
            [("KEY_A", "heath"), ("KEY_B", "grove"), ("KEY_C", "marsh")]}
documents = Kept(counter())


@app.route("POST", "/login")
def log_in(ask):
    if (ask.json["user"], ask.json["password"]) != ("ann", ENV["PASSWORD"]) or ask.json["workspace"] not in MEMBERS["ann"]:
        return Answer(401, {"error": "wrong name or password"})
    token = secrets.token_hex(20)
    sessions[token] = ("ann", ask.json["workspace"])
    return {"token": token, "workspaces": MEMBERS["ann"]}


@app.route("GET", "/documents")
def every(ask):
    _, workspace = bearer(ask, sessions)
    return [shown(one) for one in documents.of(workspace)]


@app.route("POST", "/documents")
def create(ask):
    _, workspace = bearer(ask, sessions)
    return Answer(201, shown(documents.add(workspace, title=text(ask.json, "title"))))


@app.route("GET", "/documents/([0-9]+)")
def read(ask, id):
    user, workspace = bearer(ask, sessions)
    one = documents.all.get(int(id))
    if not one or one["tenant"] not in (MEMBERS[user] if BUG else [workspace]):
        raise missing()
    return shown(one)


@app.route("DELETE", "/documents/([0-9]+)")
def delete(ask, id):
    _, workspace = bearer(ask, sessions)
    del documents.all[documents.get(workspace, int(id))["id"]]
    return Answer(204)


if __name__ == "__main__":
    app.serve()
