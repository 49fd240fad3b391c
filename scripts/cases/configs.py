"""Secrets (the shape of Doppler and Infisical): projects, configs and secrets three deep, slugs of the server's, names of clients; a
config is promoted to, and compared with, another of the same project; a dotenv download.

CWE-639: the target of a promotion is any config whose id exists (the project of the path is checked, the target's is not);
the download finds the config by its slug alone.
"""

import secrets

from kit import BUG, Answer, App, Kept, bearer, missing, text

SPEC = '''
tenancy.locator = "token"
tenant = [
  { id = "acme", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "globex", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
target = { name = "secrets", url = "$URL", environment = "test", settle = "100ms" }
resource = [
  { name = "project", id = "$.slug", path = "/projects", create = { description = "{canary}" } },
  { name = "config", id = "$.slug", path = "/projects/{project}/configs", create = { description = "{canary}" } },
  { name = "secret", id = "$.name", ids = "client", path = "/projects/{project}/configs/{config}/secrets", create = { value = "{canary}" }, methods = ["list", "create", "read", "delete"] },
]
operation = [
  { name = "promote", request = "POST /projects/{project}/configs/{config}/promote", body = { target = "{config}" }, effect = "change" },
  { name = "diff", request = "GET /projects/{project}/configs/{config}/diff?with={config}" },
  { name = "download", request = "GET /projects/{project}/configs/{config}/download?format=env" },
]
'''
ENV = {"KEY_A": "Bearer se-acme-1", "KEY_B": "Bearer se-globex-2"}
LEAKS = [
    "GET /projects/{project}/configs/{config}/download?format=env",
    "POST /projects/{project}/configs/{config}/promote",
]
app = App()
TOKENS = {"se-acme-1": "acme", "se-globex-2": "globex"}
projects = Kept(lambda: "prj-" + secrets.token_hex(5))
configs = Kept(lambda: "cfg-" + secrets.token_hex(5))


def who(ask):
    return bearer(ask, TOKENS)


def project(ask, p):
    return projects.get(who(ask), p)


def config(p, c, checked=True):
    one = configs.all.get(c) if isinstance(c, str) else None
    if one is None or (checked and one["project"] != p["id"]):
        raise missing()
    return one


def show(o):
    return {"slug": o["id"], "description": o["description"], **({"promoted_from": o["from"]} if o.get("from") else {})}


def of(p):
    return [c for c in configs.all.values() if c["project"] == p["id"]]


P, C = "/projects", "/projects/([^/]+)/configs"
S = C + "/([^/]+)/secrets"
app.route("GET", P)(lambda ask: {"projects": [show(p) for p in projects.of(who(ask))]})
app.route("POST", P)(lambda ask: Answer(201, show(projects.add(who(ask), description=text(ask.json or {}, "description")))))
app.route("GET", P + "/([^/]+)")(lambda ask, p: show(project(ask, p)))
app.route("GET", C)(lambda ask, p: {"configs": [show(c) for c in of(project(ask, p))]})
app.route("POST", C)(lambda ask, p: Answer(201, show(configs.add(None, project=project(ask, p)["id"], description=text(ask.json or {}, "description"), secrets={}))))
app.route("GET", C + "/([^/]+)")(lambda ask, p, c: show(config(project(ask, p), c)))


@app.route("PUT", P + "/([^/]+)")
@app.route("PATCH", P + "/([^/]+)")
def change_p(ask, p):
    p = project(ask, p)
    p["description"] = text(ask.json or {}, "description")
    return show(p)


@app.route("DELETE", P + "/([^/]+)")
def del_p(ask, p):
    p = project(ask, p)
    for c in of(p):
        del configs.all[c["id"]]
    del projects.all[p["id"]]
    return Answer(204)


@app.route("PUT", C + "/([^/]+)")
@app.route("PATCH", C + "/([^/]+)")
def change_c(ask, p, c):
    c = config(project(ask, p), c)
    c["description"] = text(ask.json or {}, "description")
    return show(c)


@app.route("DELETE", C + "/([^/]+)")
def del_c(ask, p, c):
    del configs.all[config(project(ask, p), c)["id"]]
    return Answer(204)


@app.route("GET", S)
def list_s(ask, p, c):
    return {"secrets": [{"name": n, "value": v} for n, v in config(project(ask, p), c)["secrets"].items()]}


@app.route("PUT", S + "/([^/]+)")
def put_s(ask, p, c, n):
    c = config(project(ask, p), c)
    status = 200 if n in c["secrets"] else 201
    c["secrets"][n] = text(ask.json or {}, "value")
    return Answer(status, {"name": n, "value": c["secrets"][n]})


@app.route("GET", S + "/([^/]+)")
def get_s(ask, p, c, n):
    c = config(project(ask, p), c)
    if n not in c["secrets"]:
        raise missing()
    return {"name": n, "value": c["secrets"][n]}


@app.route("DELETE", S + "/([^/]+)")
def del_s(ask, p, c, n):
    c = config(project(ask, p), c)
    if n not in c["secrets"]:
        raise missing()
    del c["secrets"][n]
    return Answer(204)


@app.route("POST", C + "/([^/]+)/promote")
def promote(ask, p, c):
    p = project(ask, p)
    c, target = config(p, c), config(p, (ask.json or {}).get("target"), not BUG)
    if c is target:
        raise Answer(422, {"error": "can't be promoted to itself"})
    target["secrets"].update(c["secrets"])
    target["from"] = c["id"]
    return Answer(204)


@app.route("GET", C + "/([^/]+)/diff")
def diff(ask, p, c):
    p = project(ask, p)
    a, b = config(p, c), config(p, ask.query.get("with"))
    return {"from": show(a), "to": show(b), "changed": sorted(set(a["secrets"].items()) ^ set(b["secrets"].items()))}


@app.route("GET", C + "/([^/]+)/download")
def download(ask, p, c):
    c = config(project(ask, p), c, not BUG)
    return Answer(200, f"# {c['description']}\n" + "".join(f'{n}="{v}"\n' for n, v in c["secrets"].items()))


if __name__ == "__main__":
    app.serve()
