"""Procedures find their task by the id alone, whatever tenant path and token are of.

denn-gubsky/loomcycle PR #299; prebid/salesagent #1720.
"""

from kit import BUG, Answer, App, Kept, bearer, numbered, shown

SPEC = """
tenancy.locator = "path"
tenant = [
  { id = "kite", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "wren", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
[target]
name = "tasks"
url = "$URL"
environment = "test"
settle = "100ms"
[[resource]]
name = "task"
id = "$.result.id"
list = { request = "POST /t/{tenant}/rpc", body = { jsonrpc = "2.0", id = 1, method = "tasks/list" } }
create = { request = "POST /t/{tenant}/rpc", body = { jsonrpc = "2.0", id = 1, method = "message/send", params = { text = "{canary}" } } }
read = { request = "POST /t/{tenant}/rpc", body = { jsonrpc = "2.0", id = 1, method = "tasks/get", params = { id = "{task}" } } }
[[operation]]
name = "cancel"
request = "POST /t/{tenant}/rpc"
body = { jsonrpc = "2.0", id = 1, method = "tasks/cancel", params = { id = "{task}" } }
effect = "change"
"""
ENV = {"KEY_A": "Bearer a-1", "KEY_B": "Bearer b-2"}
LEAKS = ['POST /t/{tenant}/rpc (task.read)', 'POST /t/{tenant}/rpc (cancel)']

app = App()
TOKENS = {"a-1": "kite", "b-2": "wren"}
tasks = Kept(numbered("task-"))


def fault(ask, code, message):
    raise Answer(200, {"jsonrpc": "2.0", "id": (ask.json or {}).get("id"), "error": {"code": code, "message": message}})


@app.route("POST", "/t/([a-z]+)/rpc")
def call(ask, tenant):
    if bearer(ask, TOKENS) != tenant:
        return Answer(403, {"error": "another tenant's endpoint"})
    body = ask.json or {}
    method, params = body.get("method"), body.get("params") or {}

    def named():
        task = tasks.all.get(params.get("id"))
        if not task or (task["tenant"] != tenant and not BUG):
            fault(ask, -32001, "task not found")
        return task

    if method == "message/send":
        result = shown(tasks.add(tenant, text=params.get("text"), state="working"))
    elif method == "tasks/list":
        result = {"tasks": [shown(one) for one in tasks.of(tenant)]}
    elif method == "tasks/get":
        result = shown(named())
    elif method == "tasks/cancel":
        task = named()
        task["state"] = "canceled"
        result = shown(task)
    else:
        fault(ask, -32601, "no such method")
    return {"jsonrpc": "2.0", "id": body.get("id"), "result": result}

if __name__ == "__main__":
    app.serve()
