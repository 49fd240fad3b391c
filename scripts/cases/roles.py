"""A role is checked, and whose tenant it is for is not: what a member is refused, any tenant's administrator may read.

CVE-2023-6832 and others of its kind: rights that are asked of a user, not of a user in a tenant. Seen only by whoever
tries with more than one set of rights. Auditors read, and create nothing. A change that is open to all is one finding,
not one for each role.
"""

from kit import BUG, Answer, App, Kept, bearer, missing, numbered, rest, shown, text

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "mint", principal = [
    { name = "member", grant = "header", header = "Authorization", value = "$MEMBER_A" },
    { name = "admin", grant = "header", header = "Authorization", value = "$ADMIN_A" },
    { name = "auditor", grant = "header", header = "Authorization", value = "$AUDITOR_A" } ] },
  { id = "sage", principal = [
    { name = "member", grant = "header", header = "Authorization", value = "$MEMBER_B" },
    { name = "admin", grant = "header", header = "Authorization", value = "$ADMIN_B" } ] },
]
limits.rate = 5000
[target]
name = "notes"
url = "$URL"
environment = "test"
settle = "100ms"
[[resource]]
name = "note"
path = "/notes"
create = { body = "{canary}" }
"""
ENV = {
    "MEMBER_A": "Bearer member-a-1", "ADMIN_A": "Bearer admin-a-1", "AUDITOR_A": "Bearer auditor-a-1",
    "MEMBER_B": "Bearer member-b-2", "ADMIN_B": "Bearer admin-b-2",
}
LEAKS = ["GET /notes/{note} as mint/admin", "GET /notes/{note} as sage/admin", "PATCH /notes/{note}"]

app = App()
TOKENS = {"a-1": "mint", "b-2": "sage"}
notes = Kept(numbered("n"))


def role(ask):
    return (ask.headers.get("authorization") or "").removeprefix("Bearer ").split("-", 1)[0]


def who(ask):
    tenant = bearer(ask, {f"{role(ask)}-{token}": tenant for token, tenant in TOKENS.items()})
    if role(ask) == "auditor" and ask.method != "GET":
        raise Answer(403, {"error": "auditors only read"})
    return tenant


@app.route("GET", "/notes/([^/]+)")
def read(ask, id):
    tenant, note = who(ask), notes.all.get(id)
    is_privileged = role(ask) == "admin" and BUG
    return shown(note) if note and (note["tenant"] == tenant or is_privileged) else missing()


@app.route("PATCH", "/notes/([^/]+)")
def change(ask, id):
    tenant, note = who(ask), notes.all.get(id)
    if not note or (note["tenant"] != tenant and not BUG):
        return missing()
    note["body"] = text(ask.json or {}, "body")
    return {"id": id, "changed": True}


rest(app, "/notes", who, notes, lambda _, body: {"body": text(body, "body")})


if __name__ == "__main__":
    app.serve()
