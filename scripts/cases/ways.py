"""Each tenant has a host, and requests name it in a header and a cookie as well. Where objects are read, the header alone
says whose they are, though the host is what the token is held against.

CWE-639 and CWE-290, by one of several names for the tenant.
"""

from kit import BUG, Answer, App, Kept, bearer, counter, rest, shown, text

SPEC = """
tenancy.locator = ["host", "header:X-Org", "cookie:org", "token"]
tenant = [
  { id = "bay", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "fjord", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
[target]
name = "desk"
url = "$SITE"
address = "$ADDRESS"
environment = "test"
settle = "100ms"
[[resource]]
name = "ticket"
path = "/tickets"
create = { subject = "{canary}" }
"""
ENV = {
    "SITE": "http://{tenant}.desk.example",
    "ADDRESS": "127.0.0.1:$PORT",
    "KEY_A": "Bearer a-1",
    "KEY_B": "Bearer b-2",
}
LEAKS = ["GET /tickets/{ticket}"]

app = App()
TOKENS = {"a-1": "bay", "b-2": "fjord"}
tickets = Kept(counter(100))


def host(ask):
    name, _, rest = (ask.headers.get("host") or "").partition(".")
    if rest != "desk.example":
        raise Answer(421, {"error": "no such site"})
    return name


def who(ask):
    tenant = bearer(ask, TOKENS)
    named = {host(ask), ask.headers.get("x-org"), ask.cookies.get("org")}
    if named != {tenant}:
        raise Answer(403, {"error": "these name another tenant"})
    return tenant


@app.route("GET", "/tickets/([0-9]+)")
def read(ask, number):
    id = int(number)
    if BUG:
        if host(ask) != bearer(ask, TOKENS):
            raise Answer(403, {"error": "another tenant's site"})
        return shown(tickets.get(ask.headers.get("x-org"), id))
    return shown(tickets.get(who(ask), id))


rest(app, "/tickets", who, tickets, lambda _, body: {"subject": text(body, "subject")}, id_of=int)

if __name__ == "__main__":
    app.serve()
