"""Tasks of a project, moved and copied to a project that a body or a header names, transferred from one to another, and made and
changed with a body that names again the project that the path names.

CWE-639: the target is found by its id alone: whoever moves puts its task into another tenant's project.
"""

from kit import BUG, Answer, App, Kept, bearer, below, numbered, rest, rest_below, shown, text

SPEC = '''
tenancy.locator = "token"
tenant = [
  { id = "acme", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "globex", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
target = { name = "projects", url = "$URL", environment = "test", settle = "100ms" }
operation = [
  { name = "move", request = "POST /projects/{project}/tasks/{task}/move", body = { target = "{project}" }, effect = "change" },
  { name = "copy", request = "POST /projects/{project}/tasks/{task}/copy", headers = { X-Target-Project = "{project}" }, effect = "create" },
  { name = "transfer", request = "POST /tasks/{task}/transfer", body = { from = "{project}", to = "{project}" }, effect = "change" },
]
[[resource]]
name = "project"
path = "/projects"
create = { name = "{canary}" }
[[resource]]
name = "task"
path = "/projects/{project}/tasks"
create = { title = "{canary}", project_id = "{project}" }
update = { title = "{canary}", project_id = "{project}" }
'''
ENV = {"KEY_A": "Bearer mv-acme-1", "KEY_B": "Bearer mv-globex-2"}
LEAKS = [
    "POST /projects/{project}/tasks",
    "PATCH /projects/{project}/tasks/{task}",
    "POST /projects/{project}/tasks/{task}/copy",
    "POST /projects/{project}/tasks/{task}/move",
    "POST /tasks/{task}/transfer",
]
app = App()
TOKENS = {"mv-acme-1": "acme", "mv-globex-2": "globex"}
projects, tasks = Kept(numbered("p")), Kept(numbered("t"))


def who(ask):
    return bearer(ask, TOKENS)


def project(ask, id):
    return projects.get(who(ask), id)


def task(ask, p, t):
    return below(tasks, project(ask, p), t)


T = "/projects/([^/]+)/tasks"


def target(ask, id):
    to = projects.all.get(id) if isinstance(id, str) else None
    if to is None or (to["tenant"] != who(ask) and not BUG):
        raise Answer(422, {"error": "no such project"})
    return to["id"]


def where(ask, p):
    project(ask, p)
    return projects.all[target(ask, (ask.json or {}).get("project_id"))]


@app.route("PATCH", T + "/([^/]+)")
def change(ask, p, t):
    one, body = task(ask, p, t), ask.json or {}
    one["title"] = text(body, "title")
    if "project_id" in body:
        one["tenant"] = target(ask, body["project_id"])
    return shown(one)


rest(app, "/projects", who, projects, lambda _tenant, body: {"name": text(body, "name")})
rest_below(app, T, project, tasks, lambda body: {"title": text(body, "title")}, where)


@app.route("POST", T + "/([^/]+)/move")
def move(ask, p, t):
    one = task(ask, p, t)
    one["tenant"] = target(ask, (ask.json or {}).get("target"))
    return shown(one)


@app.route("POST", T + "/([^/]+)/copy")
def copy(ask, p, t):
    one = task(ask, p, t)
    return Answer(201, shown(tasks.add(target(ask, ask.headers.get("x-target-project")), title=one["title"])))


@app.route("POST", "/tasks/([^/]+)/transfer")
def transfer(ask, t):
    body = ask.json or {}
    one = task(ask, body.get("from"), t)
    one["tenant"] = target(ask, body.get("to"))
    return shown(one)


if __name__ == "__main__":
    app.serve()
