"""What is made says nothing but which two others it joins: no marker fits into it. It is read by the id alone.

CWE-639, where nothing in the answer is anyone's words.
"""

from kit import BUG, Answer, App, Kept, bearer, missing, numbered, rest, shown, text

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "mint", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "sage", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
[target]
name = "teams"
url = "$URL"
environment = "test"
settle = "100ms"
[[resource]]
name = "user"
path = "/users"
create = { name = "{canary}" }
[[resource]]
name = "team"
path = "/teams"
create = { name = "{canary}" }
[[resource]]
name = "member"
path = "/members"
create = { user = "{user}", team = "{team}" }
methods = ["list", "create", "read", "delete"]
"""
ENV = {"KEY_A": "Bearer a-1", "KEY_B": "Bearer b-2"}
LEAKS = ["GET /members/{member}"]

app = App()
TOKENS = {"a-1": "mint", "b-2": "sage"}
users, teams, members = Kept(numbered("u")), Kept(numbered("t")), Kept(numbered("m"))


def who(ask):
    return bearer(ask, TOKENS)


def accept(tenant, body):
    for kept, name in ((users, "user"), (teams, "team")):
        one = kept.all.get(body.get(name))
        if not one or one["tenant"] != tenant:
            raise Answer(422, {"error": f"no such {name}"})
    return {"user": body["user"], "team": body["team"]}


@app.route("GET", "/members/([^/]+)")
def read(ask, id):
    tenant, member = who(ask), members.all.get(id)
    if not member or (member["tenant"] != tenant and not BUG):
        return missing()
    return shown(member)


rest(app, "/users", who, users, lambda _, body: {"name": text(body, "name")})
rest(app, "/teams", who, teams, lambda _, body: {"name": text(body, "name")})
rest(app, "/members", who, members, accept)


if __name__ == "__main__":
    app.serve()
