"""An action below one's own project finds its delivery by the id alone, and answers with it.

gotempsh/temps PR #329.
"""

from kit import BUG, App, Answer, Kept, bearer, counter, missing, shown, text

SPEC = """
tenancy.locator = "path"
tenant = [
  { id = "7001", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "7002", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
[target]
name = "hooks"
url = "$URL"
environment = "test"
settle = "100ms"
[[resource]]
name = "hook"
path = "/projects/{tenant}/hooks"
create = { url = "https://example.com/{canary}", events = ["push"] }
[[resource]]
name = "delivery"
path = "/projects/{tenant}/hooks/{hook}/deliveries"
existing = "listed"
disposable = true
methods = ["list", "read"]
[[operation]]
name = "retry"
request = "POST /projects/{tenant}/hooks/{hook}/deliveries/{delivery}/retry"
effect = "change"
"""
ENV = {"KEY_A": "Bearer a-1", "KEY_B": "Bearer b-2"}
LEAKS = ['POST /projects/{tenant}/hooks/{hook}/deliveries/{delivery}/retry']

app = App()
TOKENS = {"a-1": "7001", "b-2": "7002"}
hooks, deliveries = Kept(counter(40)), Kept(counter(900))
PATH = "/projects/([0-9]+)/hooks"


def who(ask, project):
    tenant = bearer(ask, TOKENS)
    if tenant != project:
        raise Answer(403, {"error": "not your project"})
    return tenant


def accept(body):
    return {"url": text(body, "url"), "events": body.get("events") or []}


def delivered(hook):
    body = f"thanks for {hook['url']}"
    return deliveries.add(hook["tenant"], hook=hook["id"], url=hook["url"], status_code=200, response_body=body)


@app.route("GET", PATH)
def listed(ask, project):
    return [shown(one) for one in hooks.of(who(ask, project))]


@app.route("POST", PATH)
def create(ask, project):
    hook = hooks.add(who(ask, project), **accept(ask.json or {}))
    delivered(hook)
    return Answer(201, shown(hook))


def of_project(ask, project, id):
    return hooks.get(who(ask, project), int(id))


@app.route("GET", PATH + "/([0-9]+)")
def read(ask, project, id):
    return shown(of_project(ask, project, id))


@app.route("PUT", PATH + "/([0-9]+)")
@app.route("PATCH", PATH + "/([0-9]+)")
def change(ask, project, id):
    hook = of_project(ask, project, id)
    hook.update(accept({**hook, **(ask.json or {})}))
    return shown(hook)


@app.route("DELETE", PATH + "/([0-9]+)")
def delete(ask, project, id):
    del hooks.all[of_project(ask, project, id)["id"]]
    return Answer(204)


def of_hook(ask, project, id, delivery):
    hook = of_project(ask, project, id)
    one = deliveries.all.get(int(delivery))
    if not one or one["hook"] != hook["id"]:
        raise missing()
    return one


@app.route("GET", PATH + "/([0-9]+)/deliveries")
def log(ask, project, id):
    hook = of_project(ask, project, id)
    return [shown(one) for one in deliveries.all.values() if one["hook"] == hook["id"]]


@app.route("GET", PATH + "/([0-9]+)/deliveries/([0-9]+)")
def one_delivery(ask, project, id, delivery):
    return shown(of_hook(ask, project, id, delivery))


@app.route("POST", PATH + "/([0-9]+)/deliveries/([0-9]+)/retry")
def retry(ask, project, id, delivery):
    if not BUG:
        return shown(of_hook(ask, project, id, delivery))
    of_project(ask, project, id)
    one = deliveries.all.get(int(delivery))
    return shown(one) if one else missing()

if __name__ == "__main__":
    app.serve()
