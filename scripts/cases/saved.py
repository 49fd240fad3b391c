"""A saved view keeps the number of any project, unchecked, and shows the project's tasks when it is opened.

CWE-639: what is stored is trusted when it is used; the tasks are found by the project's number alone.
"""

import time

from kit import BUG, Answer, App, Kept, bearer, counter, rest, shown, text

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "larch", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "birch", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
target = { name = "boards", url = "$URL", environment = "test", settle = "100ms" }
operation = [{ name = "results", request = "GET /views/{view}/results" }]
[[resource]]
name = "project"
path = "/projects"
create = { name = "{canary}" }
[[resource]]
name = "task"
path = "/tasks"
create = { name = "{canary}", project = "{project}" }
page = { size = "limit=3", offset = "offset" }
views = { report = "GET /reports/tasks?group_by=project" }
[[resource]]
name = "view"
path = "/views"
create = { name = "{canary}", project = "{project}" }
"""
ENV = {"KEY_A": "Bearer a-1", "KEY_B": "Bearer b-2"}
LEAKS = ["POST /views"]

app = App()
TOKENS = {"a-1": "larch", "b-2": "birch"}
projects, tasks, views = Kept(counter(40)), Kept(counter(100)), Kept(counter(7))


def who(ask):
    return bearer(ask, TOKENS)


@app.route("GET", "/tasks")
def list_tasks(ask):
    start, most = int(ask.query.get("offset", 0)), int(ask.query.get("limit", 20))
    return {"items": [shown(task) for task in tasks.of(who(ask))][start:start + most]}


@app.route("GET", "/reports/tasks")
def report(ask):
    own = tasks.of(who(ask))
    groups = sorted({task["project"] for task in own})
    rows = [{"project": group, "tasks": sum(task["project"] == group for task in own)} for group in groups]
    return {"generated_at": time.time(), "rows": rows}


@app.route("GET", "/views/([0-9]+)/results")
def results(ask, id):
    tenant = who(ask)
    view = views.get(tenant, int(id))
    found = [task for task in tasks.all.values() if task["project"] == view["project"]]
    return {"count": len(found), "items": [shown(task) for task in found]}


def with_project(is_checked):
    def accept(tenant, body):
        if is_checked:
            projects.get(tenant, body.get("project"))
        if not isinstance(body.get("project"), int):
            raise Answer(422, {"errors": ["project must be a number"]})
        return {"name": text(body, "name"), "project": body["project"]}
    return accept


rest(app, "/projects", who, projects, lambda _, body: {"name": text(body, "name")}, int)
rest(app, "/tasks", who, tasks, with_project(True), int)
rest(app, "/views", who, views, with_project(not BUG), int)

if __name__ == "__main__":
    app.serve()
