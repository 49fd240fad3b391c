"""An export of projects is made by a job, and fetched as a file. Which projects it is of is named in a list in the body, and
nothing there says that they are the caller's own.

CWE-639, by a reference whose content is shown later and elsewhere: in the attacker's own export.
"""

from kit import BUG, Answer, App, Kept, bearer, numbered, rest, shown, text

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "bay", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "fjord", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
[target]
name = "planner"
url = "$URL"
environment = "test"
settle = "100ms"
[[resource]]
name = "project"
path = "/projects"
create = { title = "{canary}" }
[[resource]]
name = "export"
path = "/exports"
create = { projects = ["{project}"] }
read = { request = "GET /exports/{export}", until = { member = "$.state", is = "done" } }
methods = ["create", "read"]
[[operation]]
name = "file"
request = "GET /exports/{export}/file"
"""
ENV = {"KEY_A": "Bearer a-1", "KEY_B": "Bearer b-2"}
LEAKS = ["POST /exports"]

app = App()
TOKENS = {"a-1": "bay", "b-2": "fjord"}
projects, exports = Kept(numbered("p")), Kept(numbered("e"))


def who(ask):
    return bearer(ask, TOKENS)


@app.route("POST", "/exports")
def create(ask):
    tenant, ids = who(ask), (ask.json or {}).get("projects")
    if not isinstance(ids, list) or not ids:
        raise Answer(422, {"error": "projects, please"})
    # What is not there is left out of the file.
    made = exports.add(tenant, projects=ids, asked=0)
    return Answer(202, {"id": made["id"], "state": "queued"})


def ready(ask, id):
    one = exports.get(who(ask), id)
    one["asked"] += 1
    return one, one["asked"] > 2


@app.route("GET", "/exports/([^/]+)")
def read(ask, id):
    one, done = ready(ask, id)
    return {"id": id, "state": "done" if done else "queued"}


@app.route("GET", "/exports/([^/]+)/file")
def file(ask, id):
    one, done = ready(ask, id)
    if not done:
        return Answer(409, {"error": "not yet"})
    found = [projects.all[id] for id in one["projects"] if id in projects.all]
    lines = [f"{project['id']},{project['title']}" for project in found if BUG or project["tenant"] == one["tenant"]]
    return Answer(200, "\n".join(["id,title", *lines]), kind="text/csv")


rest(app, "/projects", who, projects, lambda _, body: {"title": text(body, "title")})

if __name__ == "__main__":
    app.serve()
