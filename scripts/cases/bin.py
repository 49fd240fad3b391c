"""What is removed can be brought back, or removed for good: one by its id, or several, of which the first alone is looked at.
A list that goes on after an object tells which ones exist.

CWE-639, where nothing but what is gone can be hit. A file in the bin is not there to be read. CWE-203 for the list.
"""

from kit import BUG, Answer, App, Kept, bearer, missing, numbered, rest, shown, text

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "fern", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "moss", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
operation = [
  { name = "next", request = "GET /files?starting_after={file}" },
  { name = "restore", request = "PUT /files/{file}/restore", effect = "change", after = "file.delete" },
  { name = "restore-many", request = "POST /bin/restore", body = { ids = ["{file}", "{file}"] }, effect = "change", after = "file.delete" },
  { name = "purge", request = "DELETE /bin/{file}", effect = "destroy", after = "file.delete" },
]
resource = [{ name = "file", path = "/files", create = { name = "{canary}" } }]
target = { name = "files", url = "$URL", environment = "test", settle = "100ms" }
"""
ENV = {"KEY_A": "Bearer a-1", "KEY_B": "Bearer b-2"}
LEAKS = ["DELETE /bin/{file}", "GET /files?starting_after={file}", "POST /bin/restore", "PUT /files/{file}/restore"]

app = App()
TOKENS = {"a-1": "fern", "b-2": "moss"}
files, binned = Kept(numbered("f")), {}


def who(ask):
    return bearer(ask, TOKENS)


def in_bin(tenant, id, is_checked):
    one = binned.get(id)
    if not one or (one["tenant"] != tenant and is_checked):
        raise missing()
    return one


@app.route("DELETE", "/files/([^/]+)")
def delete(ask, id):
    binned[id] = files.get(who(ask), id)
    del files.all[id]
    return Answer(204)


@app.route("PUT", "/files/([^/]+)/restore")
def restore(ask, id):
    files.all[id] = in_bin(who(ask), id, not BUG)
    del binned[id]
    return {"restored": id}


@app.route("DELETE", "/bin/([^/]+)")
def purge(ask, id):
    del binned[in_bin(who(ask), id, not BUG)["id"]]
    return Answer(204)


@app.route("POST", "/bin/restore")
def restore_many(ask):
    tenant, ids = who(ask), (ask.json or {}).get("ids") or []
    found = [in_bin(tenant, id, not BUG or number == 0) for number, id in enumerate(ids)]
    for one in found:
        files.all[one["id"]] = binned.pop(one["id"], one)
    return {"restored": [one["id"] for one in found]}


@app.route("GET", "/files")
def listed(ask):
    own, after = files.of(who(ask)), ask.query.get("starting_after")
    if after and not (after in files.all if BUG else any(one["id"] == after for one in own)):
        raise Answer(400, {"error": f"no such file: {after}"})
    ids = [one["id"] for one in own]
    return [shown(one) for one in own[ids.index(after) + 1 if after in ids else 0:]]


rest(app, "/files", who, files, lambda _, body: {"name": text(body, "name")})


if __name__ == "__main__":
    app.serve()
