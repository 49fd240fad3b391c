"""Tasks of a project, moved and copied to a project that a body or a header names, and transferred from one to another.

CWE-639: the target is found by its id alone: whoever moves puts its task into another tenant's project.
"""

from kit import BUG, Answer, App, Kept, bearer, missing, numbered, shown, text

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
create = { title = "{canary}" }
'''
ENV = {"KEY_A": "Bearer mv-acme-1", "KEY_B": "Bearer mv-globex-2"}
LEAKS = [
    "POST /projects/{project}/tasks/{task}/copy",
    "POST /projects/{project}/tasks/{task}/move",
    "POST /tasks/{task}/transfer",
]
app = App()
TOKENS = {"mv-acme-1": "acme", "mv-globex-2": "globex"}
projects, tasks = Kept(numbered("p")), Kept(numbered("t"))


def who(ask):
    return bearer(ask, TOKENS)


def show(c):
    return {"id": c["id"], "title": c["title"], "project": c["project"]}


def project(ask, id):
    return projects.get(who(ask), id)


def task(b, id):
    c = tasks.all.get(id) if isinstance(id, str) else None
    if c is None or c["project"] != b["id"]:
        raise missing()
    return c


app.route("GET", "/projects")(lambda ask: [shown(b) for b in projects.of(who(ask))])
app.route("POST", "/projects")(lambda ask: Answer(201, shown(projects.add(who(ask), name=text(ask.json or {}, "name")))))
app.route("GET", "/projects/([^/]+)")(lambda ask, id: shown(project(ask, id)))


@app.route("PUT", "/projects/([^/]+)")
@app.route("PATCH", "/projects/([^/]+)")
def change_b(ask, id):
    b = project(ask, id)
    b["name"] = text(ask.json or {}, "name")
    return shown(b)


@app.route("DELETE", "/projects/([^/]+)")
def del_b(ask, id):
    b = project(ask, id)
    del projects.all[b["id"]]
    for c in [c for c in tasks.all.values() if c["project"] == id]:
        del tasks.all[c["id"]]
    return Answer(204)


C = "/projects/([^/]+)/tasks"
app.route("GET", C)(lambda ask, b: [show(c) for c in tasks.all.values() if c["project"] == project(ask, b)["id"]])
app.route("POST", C)(lambda ask, b: Answer(201, show(tasks.add(None, project=project(ask, b)["id"], title=text(ask.json or {}, "title")))))
app.route("GET", C + "/([^/]+)")(lambda ask, b, c: show(task(project(ask, b), c)))


@app.route("PUT", C + "/([^/]+)")
@app.route("PATCH", C + "/([^/]+)")
def change_c(ask, b, c):
    c = task(project(ask, b), c)
    c["title"] = text(ask.json or {}, "title")
    return show(c)


@app.route("DELETE", C + "/([^/]+)")
def del_c(ask, b, c):
    del tasks.all[task(project(ask, b), c)["id"]]
    return Answer(204)


def to_target(ask, c, member="target"):
    id = (ask.json or {}).get(member) or ask.headers.get("x-target-project")
    to = projects.all.get(id) if isinstance(id, str) else None
    if to is None or (to["tenant"] != who(ask) and not BUG):
        if c["project"] is None:
            del tasks.all[c["id"]]
        raise Answer(422, {"error": "no such project"})
    c["project"] = to["id"]
    return show(c)


@app.route("POST", C + "/([^/]+)/move")
def move(ask, b, c):
    return to_target(ask, task(project(ask, b), c))


@app.route("POST", C + "/([^/]+)/copy")
def copy(ask, b, c):
    c = task(project(ask, b), c)
    return Answer(201, to_target(ask, tasks.add(None, project=None, title=c["title"])))


@app.route("POST", "/tasks/([^/]+)/transfer")
def transfer(ask, c):
    return to_target(ask, task(project(ask, (ask.json or {}).get("from")), c), "to")


if __name__ == "__main__":
    app.serve()
