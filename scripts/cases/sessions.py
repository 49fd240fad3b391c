"""A site with forms, cookies and a token against forged requests; one page is found by its number alone.

The classic of hand-written views: CWE-639.
"""

import secrets

from kit import BUG, Answer, App, Kept, counter, rest, shown, text

SPEC = """
tenancy.locator = "token"
limits.rate = 5000
[target]
name = "wiki"
url = "$URL"
environment = "test"
settle = "100ms"
[[tenant]]
id = "heath"
[[tenant.principal]]
name = "editor"
grant = "session"
steps = [ { request = "GET /login", take = { form = "field:csrf" } }, { request = "POST /login", form = { user = "hedda", password = "$KEY_A", csrf = "{form}" }, take = { csrf = "cookie:csrftoken" } } ]
headers = { X-CSRFToken = "{csrf}" }
[[tenant]]
id = "grove"
[[tenant.principal]]
name = "editor"
grant = "session"
steps = [ { request = "GET /login", take = { form = "field:csrf" } }, { request = "POST /login", form = { user = "gerrit", password = "$KEY_B", csrf = "{form}" }, take = { csrf = "cookie:csrftoken" } } ]
headers = { X-CSRFToken = "{csrf}" }
[[resource]]
name = "page"
path = "/pages"
create = { title = "{canary}" }
"""
ENV = {"KEY_A": "pw-heath-2201", "KEY_B": "pw-grove-7764"}
LEAKS = ["GET /pages/{page}"]

app = App()
PEOPLE = {("hedda", "pw-heath-2201"): "heath", ("gerrit", "pw-grove-7764"): "grove"}
sessions, pages = {}, Kept(counter())


def who(ask):
    session = sessions.get(ask.cookies.get("sessionid"))
    if not session:
        raise Answer(302, headers=[("location", "/login")])
    if ask.method != "GET" and ask.headers.get("x-csrftoken") != session["csrf"]:
        raise Answer(403, "CSRF verification failed")
    return session["tenant"]


@app.route("GET", "/login")
def form(ask):
    csrf = secrets.token_hex(16)
    page = f'<form method="post"><input type="hidden" name="csrf" value="{csrf}"></form>'
    return Answer(200, page, [("set-cookie", f"csrftoken={csrf}; Path=/")], "text/html")


@app.route("POST", "/login")
def log_in(ask):
    tenant = PEOPLE.get((ask.form.get("user"), ask.form.get("password")))
    if not tenant or ask.form.get("csrf") != ask.cookies.get("csrftoken"):
        return Answer(200, "<p>Please enter a correct name and password.</p>", kind="text/html")
    id, csrf = secrets.token_hex(16), secrets.token_hex(16)
    sessions[id] = {"tenant": tenant, "csrf": csrf}
    cookies = [("set-cookie", f"sessionid={id}; HttpOnly; Path=/"), ("set-cookie", f"csrftoken={csrf}; Path=/")]
    return Answer(302, headers=[("location", "/"), *cookies])


@app.route("GET", "/pages/([0-9]+)")
def read(ask, id):
    tenant, page = who(ask), pages.all.get(int(id))
    if not page or (page["tenant"] != tenant and not BUG):
        return Answer(302, headers=[("location", "/")])
    return shown(page)


rest(app, "/pages", who, pages, lambda _, body: {"title": text(body, "title")}, int)

if __name__ == "__main__":
    app.serve()
