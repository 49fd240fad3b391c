"""A key against repetition is looked up over all accounts: who sends another's key is given what that one made.

kortix-ai/suna PR #5267.
"""

from kit import BUG, Answer, App, Kept, bearer, numbered, shown, text

SPEC = """
tenancy.locator = "path"
tenant = [
  { id = "prj_kelp", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "prj_reed", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
[target]
name = "agents"
url = "$URL"
environment = "test"
settle = "100ms"
[[resource]]
name = "session"
path = "/v1/projects/{tenant}/sessions"
methods = ["list", "create", "read", "delete"]
page = { offset = "offset", size = "limit=2" }
[resource.create]
request = "POST /v1/projects/{tenant}/sessions"
headers = { Idempotency-Key = "{unique}" }
body = { prompt = "{canary}" }
"""
ENV = {"KEY_A": "Bearer a-1", "KEY_B": "Bearer b-2"}
LEAKS = ['POST /v1/projects/{tenant}/sessions']

app = App()
TOKENS = {"a-1": "prj_kelp", "b-2": "prj_reed"}
sessions, replies = Kept(numbered("ses_")), {}
PATH = "/v1/projects/([a-z_]+)/sessions"


def who(ask, project):
    if bearer(ask, TOKENS) != project:
        raise Answer(404, {"error": "no such project"})
    return project


@app.route("GET", PATH)
def listed(ask, project):
    items = [shown(one) for one in sessions.of(who(ask, project))]
    limit, offset = int(ask.query.get("limit", 20)), int(ask.query.get("offset", 0))
    return {"items": items[offset:offset + limit], "total": len(items), "limit": limit, "offset": offset}


@app.route("POST", PATH)
def create(ask, project):
    tenant, key = who(ask, project), ask.headers.get("idempotency-key")
    known = replies.get(key if BUG else (tenant, key)) if key else None
    if known:
        return Answer(200, shown(known))
    made = sessions.add(tenant, prompt=text(ask.json or {}, "prompt"), state="idle")
    replies[key if BUG else (tenant, key)] = made
    return Answer(201, shown(made))


@app.route("GET", PATH + "/(ses_[0-9a-f]+)")
def read(ask, project, id):
    return shown(sessions.get(who(ask, project), id))


@app.route("DELETE", PATH + "/(ses_[0-9a-f]+)")
def delete(ask, project, id):
    del sessions.all[sessions.get(who(ask, project), id)["id"]]
    return Answer(204)

if __name__ == "__main__":
    app.serve()
