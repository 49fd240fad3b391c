"""Members who leave, sessions that end, a tenant that is suspended; a removed member's session goes on.

After CWE-613: the session is looked up in a store of its own, and nobody asks whether its member is still one.
"""

import secrets

from kit import BUG, Answer, App, Kept, counter, rest, text

SPEC = """
tenancy.locator = "token"
limits.rate = 5000
target = { name = "notes", url = "$URL", environment = "test", settle = "100ms" }
staff = [{ name = "operator", grant = "header", header = "X-Operator", value = "$OPERATOR" }]
act = [
  { name = "remove", kind = "remove-member", of = "member", by = "owner", request = "DELETE /members/{id}" },
  { name = "suspend", kind = "suspend", of = ["owner", "member"], by = "operator", request = "POST /operator/tenants/{tenant}/suspend", undo = "POST /operator/tenants/{tenant}/resume" },
  { name = "freeze", kind = "read-only", of = ["owner", "member"], by = "operator", request = "POST /operator/tenants/{tenant}/freeze", undo = "POST /operator/tenants/{tenant}/thaw" },
  { name = "log-out", kind = "logout", of = "member", request = "POST /logout" },
]
[[tenant]]
id = "heath"
principal = [{ name = "owner", grant = "header", header = "X-Key", value = "$KEY_A" }, { name = "member", use = "acts", grant = "session", headers = { Authorization = "Bearer {token}" }, steps = [{ as = "owner", request = "POST /members", json = { mail = "{unique}@heath.example.com", password = "$PASSWORD_A" }, take = { id = "$.id" } }, { request = "POST /login", json = { mail = "{unique}@heath.example.com", password = "$PASSWORD_A" }, take = { token = "$.token" } }] }]
[[tenant]]
id = "grove"
principal = [{ name = "owner", grant = "header", header = "X-Key", value = "$KEY_B" }, { name = "member", use = "acts", grant = "session", headers = { Authorization = "Bearer {token}" }, steps = [{ as = "owner", request = "POST /members", json = { mail = "{unique}@grove.example.com", password = "$PASSWORD_B" }, take = { id = "$.id" } }, { request = "POST /login", json = { mail = "{unique}@grove.example.com", password = "$PASSWORD_B" }, take = { token = "$.token" } }] }]
[[resource]]
name = "note"
path = "/notes"
create = { title = "{canary}" }
"""
ENV = {
    "KEY_A": "key-heath-5501-aa", "KEY_B": "key-grove-2207-bb", "OPERATOR": "operator-9134-cc",
    "PASSWORD_A": "pw-heath-4410", "PASSWORD_B": "pw-grove-8825",
}
LEAKS = ["act remove in grove", "act remove in heath"]

app = App()
OWNERS = {ENV["KEY_A"]: "heath", ENV["KEY_B"]: "grove"}
members, sessions, suspended, frozen, notes = Kept(counter()), {}, set(), set(), Kept(counter())


def who(ask):
    tenant = OWNERS.get(ask.headers.get("x-key"))
    session = sessions.get((ask.headers.get("authorization") or "").removeprefix("Bearer "))
    if session and (session["member"] in members.all or BUG):
        tenant = session["tenant"]
    if not tenant or tenant in suspended:
        raise Answer(401, {"error": "unauthorized"})
    if tenant in frozen and ask.method != "GET" and ask.path.startswith("/notes"):
        raise Answer(423, {"error": "this tenant is read-only"})
    return tenant


@app.route("POST", "/members")
def join(ask):
    tenant = who(ask)
    id = members.add(tenant, mail=text(ask.json, "mail"), password=text(ask.json, "password"))["id"]
    return Answer(201, {"id": str(id)})


@app.route("DELETE", "/members/([0-9]+)")
def leave(ask, id):
    member = members.all.get(int(id))
    if not member or member["tenant"] != who(ask):
        return Answer(404, {"error": "not found"})
    del members.all[int(id)]
    return Answer(204)


@app.route("POST", "/login")
def log_in(ask):
    for member in members.all.values():
        is_it = (member["mail"], member["password"]) == (ask.json["mail"], ask.json["password"])
        if is_it and member["tenant"] not in suspended:
            token = secrets.token_hex(20)
            sessions[token] = {"tenant": member["tenant"], "member": member["id"]}
            return {"token": token}
    return Answer(401, {"error": "wrong mail or password"})


@app.route("POST", "/logout")
def log_out(ask):
    who(ask)
    sessions.pop(ask.headers["authorization"].removeprefix("Bearer "), None)
    return Answer(204)


@app.route("POST", "/operator/tenants/([a-z]+)/(suspend|resume|freeze|thaw)")
def operate(ask, tenant, what):
    if ask.headers.get("x-operator") != ENV["OPERATOR"]:
        return Answer(403, {"error": "forbidden"})
    ended = suspended if what in ("suspend", "resume") else frozen
    (ended.add if what in ("suspend", "freeze") else ended.discard)(tenant)
    return Answer(204)


rest(app, "/notes", who, notes, lambda _, body: {"title": text(body, "title")}, int)

if __name__ == "__main__":
    app.serve()
