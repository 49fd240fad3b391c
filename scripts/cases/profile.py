"""One of each tenant, changed by GraphQL: the change goes to whoever was first, whoever sends it.

CWE-639, by a user that a resolver took from elsewhere than the session. Refusals come with status 200; the log-in is a
mutation.
"""

from kit import BUG, Answer, App, bearer

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "aspen", principal = [{ name = "web", grant = "session", headers = { Authorization = "Bearer {token}" }, steps = [
    { request = "POST /graphql", graphql = "mutation($u: String!, $p: String!) { login(u: $u, p: $p) { token } }",
      variables = { u = "aspen", p = "$PASSWORD_A" }, take = { token = "$.data.login.token" } } ] }] },
  { id = "cedar", principal = [{ name = "web", grant = "session", headers = { Authorization = "Bearer {token}" }, steps = [
    { request = "POST /graphql", graphql = "mutation($u: String!, $p: String!) { login(u: $u, p: $p) { token } }",
      variables = { u = "cedar", p = "$PASSWORD_B" }, take = { token = "$.data.login.token" } } ] }] },
]
limits.rate = 5000
[target]
name = "shop"
url = "$URL"
environment = "test"
settle = "100ms"
[[resource]]
name = "me"
singleton = true
disposable = true
read = { request = "POST /graphql", graphql = "{ me { name nick } }" }
patch = { request = "POST /graphql", graphql = "mutation($n: String!) { rename(n: $n) { nick } }", variables = { n = "{canary}" } }
"""
ENV = {"PASSWORD_A": "quiet-otter-19", "PASSWORD_B": "loud-heron-73"}
LEAKS = ["POST /graphql (me.read)"]

app = App()
PASSWORDS = {"aspen": "quiet-otter-19", "cedar": "loud-heron-73"}
TOKENS = {"token-of-aspen-4411": "aspen", "token-of-cedar-8722": "cedar"}
users = {"aspen": {"name": "Anna Lindqvist", "nick": "al"}, "cedar": {"name": "Cora Villeneuve", "nick": "cv"}}


@app.route("POST", "/graphql")
def graphql(ask):
    query, variables = ask.json["query"], ask.json.get("variables") or {}
    if "login" in query:
        found = [token for token, user in TOKENS.items() if user == variables["u"] and PASSWORDS[user] == variables["p"]]
        return {"data": {"login": {"token": found[0]}}} if found else refused("UNAUTHENTICATED")
    try:
        user = users[bearer(ask, TOKENS)]
    except Answer:
        return refused("UNAUTHENTICATED")
    if "rename" in query:
        changed = next(iter(users.values())) if BUG else user
        changed["nick"] = variables["n"]
        return {"data": {"rename": {"nick": changed["nick"]}}}
    return {"data": {"me": user}}


def refused(code):
    return {"errors": [{"message": "no", "extensions": {"code": code}}], "data": None}


if __name__ == "__main__":
    app.serve()
