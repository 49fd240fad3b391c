"""What is filtered comes in pages as the list does, and from the second one on the workspace is forgotten.

A cursor that is taken for the whole condition: CWE-639.
"""

from kit import BUG, Answer, App, Kept, bearer, counter, shown, text

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "amber", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "coral", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
[target]
name = "tasks"
url = "$URL"
environment = "test"
settle = "100ms"
[[resource]]
name = "task"
path = "/api/tasks"
create = { title = "{canary}" }
methods = ["list", "create", "read", "delete"]
views = { open = "GET /api/tasks?state=open", recent = "GET /api/tasks?order=recent&limit=50" }
page = { size = "limit=1", cursor = "after", next = "$.next" }
"""
ENV = {"KEY_A": "Bearer a-1", "KEY_B": "Bearer b-2"}
LEAKS = ["GET /api/tasks?state=open"]

app = App()
TOKENS = {"a-1": "amber", "b-2": "coral"}
tasks = Kept(counter(40))


def who(ask):
    return bearer(ask, TOKENS)


@app.route("GET", "/api/tasks")
def listed(ask):
    tenant, limit = who(ask), int(ask.query.get("limit", 50))
    after = int(ask.query.get("after", 0))
    is_forgotten = BUG and after and ask.query.get("state") == "open"
    found = [one for one in tasks.all.values() if one["id"] > after and (is_forgotten or one["tenant"] == tenant)]
    page = found[:limit]
    more = {"next": page[-1]["id"]} if len(found) > limit else {}
    return {"data": [shown(one) for one in page], **more}


@app.route("POST", "/api/tasks")
def create(ask):
    return Answer(201, shown(tasks.add(who(ask), title=text(ask.json or {}, "title"))))


@app.route("GET", "/api/tasks/(\\d+)")
def read(ask, number):
    return shown(tasks.get(who(ask), int(number)))


@app.route("DELETE", "/api/tasks/(\\d+)")
def delete(ask, number):
    del tasks.all[tasks.get(who(ask), int(number))["id"]]
    return Answer(204)


if __name__ == "__main__":
    app.serve()
