"""A file is resolved by the number of its task, which counts up over all organisations; nothing in it says whose it is.

HumanSignal/label-studio PR #9930.
"""

from kit import BUG, Answer, App, Kept, bearer, counter, missing, rest, text

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "1", values = { project = 7 }, principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "2", values = { project = 8 }, principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
[target]
name = "labels"
url = "$URL"
environment = "test"
settle = "100ms"
[[resource]]
name = "task"
path = "/api/tasks"
create = { project = "{project}", data = "{canary}" }
[[operation]]
name = "resolve"
request = "GET /tasks/{task}/resolve/?file=cGhvdG8"
"""
ENV = {"KEY_A": "Bearer a-1", "KEY_B": "Bearer b-2"}
LEAKS = ['GET /tasks/{task}/resolve/?file=cGhvdG8']

app = App()
TOKENS = {"a-1": "1", "b-2": "2"}
PROJECTS = {"1": 7, "2": 8}
FILES = {"1": "seven white herons on the north pier, facing west\n", "2": "an empty ferry at the terminal before dawn\n"}
tasks = Kept(counter())


def who(ask):
    return bearer(ask, TOKENS)


def accept(tenant, body):
    if body.get("project") != PROJECTS[tenant]:
        raise Answer(400, {"project": ["Invalid pk."]})
    return {"project": body["project"], "data": text(body, "data")}


@app.route("GET", "/tasks/([0-9]+)/resolve/")
def resolve(ask, id):
    tenant = who(ask)
    task = tasks.all.get(int(id))
    if not task or (task["tenant"] != tenant and not BUG):
        return missing()
    return Answer(200, FILES[task["tenant"]])


rest(app, "/api/tasks", who, tasks, accept, int)

if __name__ == "__main__":
    app.serve()
