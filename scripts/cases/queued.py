"""Creates that are queued: 202, an empty body, and a Location that leads to a job; the object comes a moment later.

CWE-639: a report is read by its number alone.
"""

import time

from kit import BUG, Answer, App, Kept, bearer, counter, missing, text

SPEC = '''
tenancy.locator = "token"
tenant = [
  { id = "acme", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "globex", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
target = { name = "reports", url = "$URL", environment = "test", settle = "500ms" }
[[resource]]
name = "report"
path = "/reports"
create = { title = "{canary}" }
methods = ["list", "create", "read", "delete"]
'''
ENV = {"KEY_A": "Bearer qu-acme-1", "KEY_B": "Bearer qu-globex-2"}
LEAKS = ["GET /reports/{report}"]
app = App()
TOKENS = {"qu-acme-1": "acme", "qu-globex-2": "globex"}
reports, jobs = Kept(counter(300)), Kept(counter(9000))


def who(ask):
    for j in list(jobs.all.values()):
        if j["report"] is None and j["at"] <= time.monotonic():
            j["report"] = reports.add(j["tenant"], title=j["title"])["id"]
    return bearer(ask, TOKENS)


@app.route("POST", "/reports")
def create(ask):
    j = jobs.add(who(ask), title=text(ask.json or {}, "title"), at=time.monotonic() + 0.08, report=None)
    return Answer(202, None, [("location", f"/jobs/{j['id']}")])


@app.route("GET", "/jobs/([0-9]+)")
def job(ask, id):
    j = jobs.get(who(ask), int(id))
    return {"id": j["id"], "status": "done" if j["report"] else "running", "report": j["report"] and f"/reports/{j['report']}"}


app.route("GET", "/reports")(lambda ask: [{"id": r["id"], "title": r["title"]} for r in reports.of(who(ask))])


@app.route("GET", "/reports/([0-9]+)")
def read(ask, id):
    t = who(ask)
    r = reports.all.get(int(id)) if BUG else reports.get(t, int(id))
    if r is None:
        raise missing()
    return {"id": r["id"], "title": r["title"]}


@app.route("DELETE", "/reports/([0-9]+)")
def delete(ask, id):
    del reports.all[reports.get(who(ask), int(id))["id"]]
    return Answer(204)


if __name__ == "__main__":
    app.serve()
