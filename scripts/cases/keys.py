"""Projects under keys that each tenant chooses, and their tasks: two tenants have projects of one key.

CWE-639: tasks are found by the key and their id alone, whosever project of that key they are in.
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
[[resource]]
name = "project"
path = "/projects"
id = "$.key"
create = { key = "{project}", name = "{canary}" }
methods = ["list", "create", "read", "delete"]
[[resource]]
name = "task"
path = "/projects/{project}/tasks"
create = { title = "{canary}" }
'''
ENV = {"KEY_A": "Bearer ky-acme-1", "KEY_B": "Bearer ky-globex-2"}
TASK = "/projects/{project}/tasks/{task}"
LEAKS = [*(f"{method} {TASK}" for method in ("DELETE", "GET", "PATCH", "PUT")), "GET /projects/{project}/tasks"]
app = App()
TOKENS = {"ky-acme-1": "acme", "ky-globex-2": "globex"}
projects, tasks = {}, Kept(numbered("t"))


def project(ask, key):
    """Where its tasks are: a tenant, and a key of its own."""
    place = (bearer(ask, TOKENS), key)
    if place not in projects:
        raise missing()
    return place


def is_in(task, place):
    return task["tenant"] == place or (BUG and task["tenant"][1] == place[1])


def task(ask, key, id):
    place, one = project(ask, key), tasks.all.get(id)
    if one is None or not is_in(one, place):
        raise missing()
    return one


@app.route("GET", "/projects")
def listed(ask):
    return [one for (tenant, _key), one in projects.items() if tenant == bearer(ask, TOKENS)]


@app.route("POST", "/projects")
def create(ask):
    body = ask.json or {}
    place = (bearer(ask, TOKENS), text(body, "key"))
    if place in projects:
        raise Answer(409, {"error": "a project has that key"})
    projects[place] = {"key": place[1], "name": text(body, "name")}
    return Answer(201, projects[place])


app.route("GET", "/projects/([^/]+)")(lambda ask, key: projects[project(ask, key)])


@app.route("DELETE", "/projects/([^/]+)")
def delete(ask, key):
    place = project(ask, key)
    del projects[place]
    for one in tasks.of(place):
        del tasks.all[one["id"]]
    return Answer(204)


T = "/projects/([^/]+)/tasks"


@app.route("GET", T)
def listed_tasks(ask, key):
    place = project(ask, key)
    return [shown(one) for one in tasks.all.values() if is_in(one, place)]


@app.route("POST", T)
def create_task(ask, key):
    return Answer(201, shown(tasks.add(project(ask, key), title=text(ask.json or {}, "title"))))


def change_task(ask, key, id):
    one = task(ask, key, id)
    one["title"] = text(ask.json or {}, "title")
    return shown(one)


app.route("GET", T + "/([^/]+)")(lambda ask, key, id: shown(task(ask, key, id)))
app.route("PUT", T + "/([^/]+)")(change_task)
app.route("PATCH", T + "/([^/]+)")(change_task)


@app.route("DELETE", T + "/([^/]+)")
def delete_task(ask, key, id):
    del tasks.all[task(ask, key, id)["id"]]
    return Answer(204)


if __name__ == "__main__":
    app.serve()
