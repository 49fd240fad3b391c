"""A key against repetition is looked up over all accounts, and the answer to a create is nothing but the id.

kortix-ai/suna PR #5267, with the answer that many such targets give.
"""

from kit import BUG, Answer, App, Kept, bearer, numbered, rest, text

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "swan", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "crow", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
[target]
name = "orders"
url = "$URL"
environment = "test"
settle = "100ms"
[[resource]]
name = "order"
path = "/orders"
methods = ["list", "create", "read", "delete"]
[resource.create]
request = "POST /orders"
headers = { Idempotency-Key = "{unique}" }
body = { note = "{canary}" }
"""
ENV = {"KEY_A": "Bearer a-1", "KEY_B": "Bearer b-2"}
LEAKS = ["POST /orders"]

app = App()
TOKENS = {"a-1": "swan", "b-2": "crow"}
orders, replies = Kept(numbered("o")), {}


def who(ask):
    return bearer(ask, TOKENS)


@app.route("POST", "/orders")
def create(ask):
    tenant, key = who(ask), ask.headers.get("idempotency-key")
    key = key if BUG else (tenant, key)
    if key not in replies:
        replies[key] = orders.add(tenant, note=text(ask.json or {}, "note"))["id"]
    return Answer(201, {"id": replies[key]})


rest(app, "/orders", who, orders, lambda _, body: {"note": text(body, "note")})


if __name__ == "__main__":
    app.serve()
