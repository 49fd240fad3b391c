"""What is another's is forbidden and what is not there is not found, in whatever writes and in what filters; to be read, both
are not there.

CWE-203. Each refusal has a number of its own and the time, and what is wrong in a body is told before anything is looked up.
"""

import itertools
import time

from kit import BUG, Answer, App, Kept, bearer, counter, missing, shown, text

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "mint", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "sage", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
operation = [{ name = "archive", request = "POST /projects/{project}/archive", effect = "change" }]
[target]
name = "projects"
url = "$URL"
environment = "test"
settle = "100ms"
[[resource]]
name = "project"
path = "/projects"
create = { name = "{canary}" }
methods = ["list", "create", "read", "patch", "delete"]
[[resource]]
name = "task"
path = "/tasks"
create = { project = "{project}", title = "{canary}" }
methods = ["list", "create", "read", "delete"]
views = { of-project = "GET /tasks?project={project}" }
"""
ENV = {"KEY_A": "Bearer a-1", "KEY_B": "Bearer b-2"}
LEAKS = [
    "DELETE /projects/{project}", "GET /tasks?project={project}", "PATCH /projects/{project}",
    "POST /projects/{project}/archive", "POST /tasks",
]

app = App()
TOKENS = {"a-1": "mint", "b-2": "sage"}
projects, tasks = Kept(counter(30)), Kept(counter(7))
refusals = itertools.count(1)


def who(ask):
    return bearer(ask, TOKENS)


def refuse(status, why):
    return Answer(status, {"error": why, "refusal": next(refusals), "at": time.time()})


def project_of(ask, id):
    one = projects.all.get(int(id) if str(id).isdigit() else None)
    if one and one["tenant"] == who(ask):
        return one
    raise refuse(403, "forbidden") if one and BUG else refuse(404, f"no project {id}")


@app.route("GET", "/projects")
def listed(ask):
    return [shown(one) for one in projects.of(who(ask))]


@app.route("POST", "/projects")
def create(ask):
    return Answer(201, shown(projects.add(who(ask), name=text(ask.json or {}, "name"), archived=False)))


@app.route("GET", "/projects/([^/]+)")
def read(ask, id):
    one = projects.all.get(int(id) if id.isdigit() else None)
    return shown(one) if one and one["tenant"] == who(ask) else missing()


@app.route("PATCH", "/projects/([^/]+)")
def rename(ask, id):
    name = text(ask.json or {}, "name")
    one = project_of(ask, id)
    one["name"] = name
    return shown(one)


@app.route("DELETE", "/projects/([^/]+)")
def drop(ask, id):
    del projects.all[project_of(ask, id)["id"]]
    return Answer(204)


@app.route("POST", "/projects/([^/]+)/archive")
def archive(ask, id):
    project_of(ask, id)["archived"] = True
    return Answer(204)


@app.route("GET", "/tasks")
def of_project(ask):
    project = ask.query.get("project")
    above = project_of(ask, project)["id"] if project else None
    return [shown(one) for one in tasks.of(who(ask)) if above in (None, one["project"])]


@app.route("POST", "/tasks")
def add(ask):
    title = text(ask.json or {}, "title")
    return Answer(201, shown(tasks.add(who(ask), title=title, project=project_of(ask, ask.json.get("project"))["id"])))


def task_of(ask, id):
    return tasks.get(who(ask), int(id) if id.isdigit() else None)


app.route("GET", "/tasks/([^/]+)")(lambda ask, id: shown(task_of(ask, id)))


@app.route("DELETE", "/tasks/([^/]+)")
def end(ask, id):
    del tasks.all[task_of(ask, id)["id"]]
    return Answer(204)


if __name__ == "__main__":
    app.serve()
