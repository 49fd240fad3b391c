"""Keys in the query, beside one in a header; a report is found by its id alone.

CWE-639, with the credentials of an older API.
"""

from kit import BUG, Answer, App, Kept, missing, numbered, rest, shown, text

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "iris", principal = [{ name = "api", grant = "header", headers = { X-App = "$APP_A" }, query = { api_key = "$KEY_A" } }] },
  { id = "lily", principal = [{ name = "api", grant = "header", headers = { X-App = "$APP_B" }, query = { api_key = "$KEY_B" } }] },
]
limits.rate = 5000
[target]
name = "reports"
url = "$URL"
environment = "test"
settle = "100ms"
[[resource]]
name = "report"
path = "/reports"
create = { title = "{canary}" }
views = { found = "GET /reports/search?q={canary.public}" }
"""
ENV = {"APP_A": "app-iris-31", "KEY_A": "qk-iris-90417+x", "APP_B": "app-lily-44", "KEY_B": "qk-lily-22871+y"}
LEAKS = ["GET /reports/{report}"]

app = App()
KEYS = {("app-iris-31", "qk-iris-90417+x"): "iris", ("app-lily-44", "qk-lily-22871+y"): "lily"}
reports = Kept(numbered("r"))


def who(ask):
    proof = (ask.headers.get("x-app"), ask.query.get("api_key"))
    if proof not in KEYS:
        raise Answer(401, {"error": "an app and a key, please"})
    return KEYS[proof]


@app.route("GET", "/reports/search")
def search(ask):
    return [shown(one) for one in reports.of(who(ask)) if ask.query.get("q", "-") in one["title"]]


@app.route("GET", "/reports/([^/]+)")
def read(ask, id):
    tenant, report = who(ask), reports.all.get(id)
    if not report or (report["tenant"] != tenant and not BUG):
        return missing()
    return shown(report)


rest(app, "/reports", who, reports, lambda _, body: {"title": text(body, "title")})

if __name__ == "__main__":
    app.serve()
