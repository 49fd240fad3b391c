"""A cache before an API of which only reading is verified: it goes by the address alone.

As in the case of the cache, where nothing can be created.
"""

from kit import BUG, App, bearer, cached_by_address, missing

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "lark", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "wolf", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
[target]
name = "plans"
url = "$URL"
environment = "test"
settle = "100ms"
[[resource]]
name = "plan"
path = "/plans"
existing = { lark = "pl-501", wolf = "pl-502" }
"""
ENV = {"KEY_A": "Bearer a-1", "KEY_B": "Bearer b-2"}
LEAKS = ["GET /plans", "GET /plans/{plan}"]

app = App()
TOKENS = {"a-1": "lark", "b-2": "wolf"}
plans = {
    "lark": {"id": "pl-501", "name": "Migration of the northern depots", "contract": "LK-2209-4471-X"},
    "wolf": {"id": "pl-502", "name": "Closing of the eastern lines", "contract": "WF-8830-1207-Q"},
}


@app.route("GET", "/plans")
def listed(ask):
    return {"items": [plans[bearer(ask, TOKENS)]]}


@app.route("GET", "/plans/([^/]+)")
def read(ask, id):
    own = plans[bearer(ask, TOKENS)]
    return own if own["id"] == id else missing()


if BUG:
    cached_by_address(app)

if __name__ == "__main__":
    app.serve()
