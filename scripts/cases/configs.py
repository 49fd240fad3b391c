"""Secrets (the shape of Doppler and Infisical): projects, configs and secrets three deep, secrets are named by clients; a
config is promoted to, and compared with, another of the same project; a dotenv download.

CWE-639: the target of a promotion is any config whose id exists (the project of the path is checked, the target's is not);
the download finds the config by its slug alone.
"""

import secrets

from kit import BUG, Answer, App, Kept, bearer, below, missing, rest, rest_below, shown, text

SPEC = '''
tenancy.locator = "token"
tenant = [
  { id = "acme", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "globex", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
target = { name = "secrets", url = "$URL", environment = "test", settle = "100ms" }
resource = [
  { name = "project", path = "/projects", create = { description = "{canary}" } },
  { name = "config", path = "/projects/{project}/configs", create = { description = "{canary}" } },
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
# The secrets of each config, by name.
held = {}


def who(ask):
    return bearer(ask, TOKENS)


def project(ask, p):
    return projects.get(who(ask), p)


def config(p, c, is_checked=True):
    if not is_checked and c in configs.all:
        return configs.all[c]
    return below(configs, p, c)


def described(body):
    return {"description": text(body, "description")}


C = "/projects/([^/]+)/configs"
S = C + "/([^/]+)/secrets"
rest(app, "/projects", who, projects, lambda _tenant, body: described(body))
rest_below(app, C, project, configs, described)


def secrets_of(ask, p, c):
    return held.setdefault(config(project(ask, p), c)["id"], {})


@app.route("GET", S)
def listed(ask, p, c):
    return {"secrets": [{"name": name, "value": value} for name, value in secrets_of(ask, p, c).items()]}


@app.route("PUT", S + "/([^/]+)")
def put(ask, p, c, name):
    of = secrets_of(ask, p, c)
    status = 200 if name in of else 201
    of[name] = text(ask.json or {}, "value")
    return Answer(status, {"name": name, "value": of[name]})


def secret(ask, p, c, name):
    of = secrets_of(ask, p, c)
    if name not in of:
        raise missing()
    return of


@app.route("GET", S + "/([^/]+)")
def read(ask, p, c, name):
    return {"name": name, "value": secret(ask, p, c, name)[name]}


@app.route("DELETE", S + "/([^/]+)")
def delete(ask, p, c, name):
    del secret(ask, p, c, name)[name]
    return Answer(204)


@app.route("POST", C + "/([^/]+)/promote")
def promote(ask, p, c):
    p = project(ask, p)
    source, target = config(p, c), config(p, (ask.json or {}).get("target"), not BUG)
    if source is target:
        raise Answer(422, {"error": "can't be promoted to itself"})
    held.setdefault(target["id"], {}).update(held.get(source["id"], {}))
    target["promoted_from"] = source["id"]
    return Answer(204)


@app.route("GET", C + "/([^/]+)/diff")
def diff(ask, p, c):
    p = project(ask, p)
    return {"from": shown(config(p, c)), "to": shown(config(p, ask.query.get("with")))}


@app.route("GET", C + "/([^/]+)/download")
def download(ask, p, c):
    one = config(project(ask, p), c, not BUG)
    lines = [f"# {one['description']}", *(f'{name}="{value}"' for name, value in held.get(one["id"], {}).items())]
    return Answer(200, "\n".join(lines))


if __name__ == "__main__":
    app.serve()
