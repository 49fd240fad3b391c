"""Whatever is asked for is recorded, also what is not there and the asking for records; and a record tells when it was last
seen, in whole seconds. Both go on by themselves, and are no one else's doing.

CWE-639: the trail of a record is looked up by its id alone.
"""

import time

from kit import BUG, Answer, App, Kept, key, numbered, rest, text

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "teal", principal = [{ name = "api", grant = "header", header = "X-Api-Key", value = "$KEY_A" }] },
  { id = "plum", principal = [{ name = "api", grant = "header", header = "X-Api-Key", value = "$KEY_B" }] },
]
limits.rate = 5000
target = { name = "records", url = "$URL", environment = "test", settle = "100ms" }
operation = [
  { name = "trail", request = "GET /trail?record={record}" },
  { name = "restore", request = "POST /records/{record}/restore", effect = "change" },
  { name = "seal", request = "POST /records/{record}/seal", effect = "change" },
]
[[resource]]
name = "record"
path = "/records"
create = { title = "{canary}" }
"""
ENV = {"KEY_A": "key-of-teal", "KEY_B": "key-of-plum"}
LEAKS = ["GET /trail?record={record}"]

app = App()
KEYS = {"key-of-teal": "teal", "key-of-plum": "plum"}
records = Kept(numbered("rec"))
trail = []


def who(ask):
    return key(ask, KEYS)


def found(ask, id):
    record = records.all.get(id)
    if record is None or record["tenant"] != who(ask):
        raise Answer(403, {"error": "not yours, or not there"})
    return record


@app.route("POST", "/records/([^/]+)/restore")
def restore(ask, id):
    found(ask, id)["deleted"] = False
    return Answer(204)


@app.route("POST", "/records/([^/]+)/seal")
def seal(ask, id):
    found(ask, id)["sealed"] = True
    return Answer(204)


@app.route("GET", "/records/([^/]+)")
def read(ask, id):
    record = found(ask, id)
    record["last_seen_at"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {name: value for name, value in record.items() if name != "tenant"}


@app.route("GET", "/trail")
def of_record(ask):
    tenant, record = who(ask), ask.query.get("record")
    trail.append({"tenant": tenant, "record": record, "does": "reads the trail"})
    of = [one for one in trail if one["record"] == record and (BUG or one["tenant"] == tenant)]
    return {"entries": [{name: one[name] for name in ("does", "record", "title") if name in one} for one in of[-50:]]}


def record(tenant, body):
    return {"title": text(body, "title"), "sealed": False, "last_seen_at": None}


rest(app, "/records", who, records, record)
plain = app.answer


def recorded(ask):
    tenant = KEYS.get(ask.headers.get("x-api-key"))
    with app.lock:
        known = set(records.all)
        told = plain(ask)
        made = set(records.all) - known
    id = made.pop() if made else ask.path.split("/")[-1]
    if ask.path.startswith("/records"):
        one = records.all.get(id) or {}
        title = one.get("title") if one.get("tenant") == tenant else None
        trail.append({"tenant": tenant, "record": id, "does": ask.method, "title": title})
    return told


app.answer = recorded

if __name__ == "__main__":
    app.serve()
