"""Settings of which each tenant has one: whose they are is believed from a header.

CWE-639, by a tenant that the request names.
"""

from kit import BUG, Answer, App, bearer, text

SPEC = """
tenancy.locator = "header:X-Org"
tenant = [
  { id = "alder", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "hazel", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
[target]
name = "shop"
url = "$URL"
environment = "test"
settle = "100ms"
[[resource]]
name = "settings"
path = "/settings"
singleton = true
disposable = true
update = { motto = "{canary}" }
[[resource]]
name = "account"
read = "GET /me"
singleton = true
"""
ENV = {"KEY_A": "Bearer a-1", "KEY_B": "Bearer b-2"}
LEAKS = ["GET /me", "GET /settings", "PATCH /settings"]

app = App()
TOKENS = {"a-1": "alder", "b-2": "hazel"}
settings = {
    "alder": {"motto": "quick and neat", "billing": "Ada Vermeulen, Dock street 4", "iban": "NL00BANK0123456781"},
    "hazel": {"motto": "slow and sure", "billing": "Bo Hendriks, Mill lane 77", "iban": "NL00BANK0987654302"},
}


def who(ask):
    tenant, named = bearer(ask, TOKENS), ask.headers.get("x-org")
    if named not in settings or (named != tenant and not BUG):
        raise Answer(403, {"error": "not a member"})
    return named


@app.route("GET", "/settings")
def read(ask):
    return settings[who(ask)]


@app.route("PATCH", "/settings")
def change(ask):
    own = settings[who(ask)]
    own["motto"] = text(ask.json or {}, "motto")
    return own


@app.route("GET", "/me")
def me(ask):
    return {"tenant": who(ask), "iban": settings[who(ask)]["iban"]}


if __name__ == "__main__":
    app.serve()
