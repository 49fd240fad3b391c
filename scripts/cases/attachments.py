"""Files and what is attached to tickets: their lists show ids and sizes, and nothing of what is in them.

CWE-290: the list of files believes a header that names a tenant. CWE-639: the attachments of a ticket are listed by its id alone.
"""

from kit import BUG, Answer, App, Kept, bearer, below, numbered, rest, text

SPEC = '''
tenancy.locator = "token"
tenant = [
  { id = "acme", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "globex", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
target = { name = "desk", url = "$URL", environment = "test", settle = "100ms" }
[[resource]]
name = "file"
create = { request = "POST /files", multipart = { file = "{file:notes.txt}" } }
list = "GET /files"
read = "GET /files/{file}"
delete = "DELETE /files/{file}"
[[resource]]
name = "ticket"
path = "/tickets"
create = { title = "{canary}" }
[[resource]]
name = "attachment"
create = { request = "POST /tickets/{ticket}/attachments", multipart = { file = "{file:photo.png}" } }
list = "GET /tickets/{ticket}/attachments"
read = "GET /tickets/{ticket}/attachments/{attachment}"
delete = "DELETE /tickets/{ticket}/attachments/{attachment}"
'''
ENV = {"KEY_A": "Bearer at-acme-1", "KEY_B": "Bearer at-globex-2"}
LEAKS = ["GET /files", "GET /tickets/{ticket}/attachments"]
app = App()
TOKENS = {"at-acme-1": "acme", "at-globex-2": "globex"}
files, tickets, attachments = Kept(numbered("f")), Kept(numbered("t")), Kept(numbered("a"))


def who(ask):
    return bearer(ask, TOKENS)


def whose(ask):
    named = ask.headers.get("x-tenant-id")
    return named if BUG and named in TOKENS.values() else who(ask)


def ticket(ask, id):
    return tickets.get(who(ask), id)


def listed(kept, owner):
    return [{"id": one["id"], "size": len(one["content"])} for one in kept.of(owner)]


def upload(ask, kept, owner):
    _name, content = ask.parts.get("file") or (None, None)
    if not content:
        raise Answer(400, {"error": "a file is missing"})
    return Answer(201, {"id": kept.add(owner, content=content)["id"]})


def delete(kept, one):
    del kept.all[one["id"]]
    return Answer(204)


app.route("GET", "/files")(lambda ask: listed(files, whose(ask)))
app.route("POST", "/files")(lambda ask: upload(ask, files, who(ask)))
app.route("GET", "/files/([^/]+)")(lambda ask, f: Answer(200, files.get(who(ask), f)["content"]))
app.route("DELETE", "/files/([^/]+)")(lambda ask, f: delete(files, files.get(who(ask), f)))
rest(app, "/tickets", who, tickets, lambda _tenant, body: {"title": text(body, "title")})


@app.route("GET", "/tickets/([^/]+)/attachments")
def attached(ask, t):
    is_known = BUG and t in tickets.all
    return listed(attachments, t if is_known else ticket(ask, t)["id"])


A = "/tickets/([^/]+)/attachments"
app.route("POST", A)(lambda ask, t: upload(ask, attachments, ticket(ask, t)["id"]))
app.route("GET", A + "/([^/]+)")(lambda ask, t, a: Answer(200, below(attachments, ticket(ask, t), a)["content"]))
app.route("DELETE", A + "/([^/]+)")(lambda ask, t, a: delete(attachments, below(attachments, ticket(ask, t), a)))

if __name__ == "__main__":
    app.serve()
