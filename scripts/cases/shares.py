"""Pages of projects with their collaborators: a form shares a project with a member, whose number is taken from the form as it
is. What the forms do shows on the project's page alone, and they are answered with a redirect.

CWE-639: the project is looked up in the tenant, the member that the form names is not.
"""

import html
import secrets

from kit import BUG, Answer, App, Kept, counter

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "elm", principal = [{ name = "web", grant = "session", steps = [{ request = "POST /login", form = { user = "elm", password = "$KEY_A" } }] }] },
  { id = "oak", principal = [{ name = "web", grant = "session", steps = [{ request = "POST /login", form = { user = "oak", password = "$KEY_B" } }] }] },
]
limits.rate = 5000
target = { name = "projects", url = "$URL", environment = "test", settle = "100ms" }
operation = [
  { name = "share", request = "POST /projects/{project}/share", form = { member = "{member}" }, effect = "change" },
  { name = "archive", request = "POST /projects/{project}/archive", form = {}, effect = "change" },
]
[[resource]]
name = "project"
list = "GET /projects"
create = { request = "POST /projects", form = { name = "{canary}" } }
read = "GET /projects/{project}"
delete = { request = "POST /projects/{project}/delete", form = {} }
[[resource]]
name = "member"
list = "GET /members"
create = { request = "POST /members", form = { name = "{canary}" } }
read = "GET /members/{member}"
delete = { request = "POST /members/{member}/delete", form = {} }
"""
ENV = {"KEY_A": "a-1-long-password", "KEY_B": "b-2-long-password"}
LEAKS = ["POST /projects/{project}/share"]

app = App()
USERS = {"elm": "a-1-long-password", "oak": "b-2-long-password"}
sessions, messages = {}, {}
projects, members = Kept(counter(70)), Kept(counter(70))


def page(tenant, body):
    said = messages.pop(tenant, None)
    message = f'<p class="flash">{said}</p>' if said else ""
    return Answer(
        200,
        f"<!doctype html><html><head><title>Projects</title></head><body><nav><a href='/projects'>Projects</a></nav>{message}"
        f"<main>{body}</main><footer>in {secrets.randbelow(90)} ms</footer></body></html>",
        kind="text/html; charset=utf-8",
    )


def leads_to(place, tenant=None, message=""):
    if tenant:
        messages[tenant] = message
    return Answer(303, headers=[("location", place)])


def who(ask):
    if ask.cookies.get("session") not in sessions:
        raise leads_to("/login")
    return sessions[ask.cookies["session"]]


def own(kept, tenant, number):
    one = kept.all.get(int(number))
    if one is None or one["tenant"] != tenant:
        raise Answer(404, "<!doctype html><html><body><h1>Not found</h1></body></html>", kind="text/html; charset=utf-8")
    return one


@app.route("POST", "/login")
def login(ask):
    user = ask.form.get("user")
    if user not in USERS or USERS[user] != ask.form.get("password"):
        return leads_to("/login?failed=1")
    name = secrets.token_hex(16)
    sessions[name] = user
    return Answer(303, headers=[("location", "/projects"), ("set-cookie", f"session={name}; Path=/; HttpOnly")])


def pages_of(kept, path):
    @app.route("GET", path)
    def listed(ask):
        tenant = who(ask)
        rows = "".join(f'<li><a href="{path}/{one["id"]}">{html.escape(one["name"])}</a></li>' for one in kept.of(tenant))
        return page(tenant, f"<ul>{rows}</ul>")

    @app.route("POST", path)
    def create(ask):
        tenant = who(ask)
        if not ask.form.get("name"):
            return page(tenant, "<p>A name, please.</p>")
        one = kept.add(tenant, name=ask.form["name"], archived=False, shared=[])
        return leads_to(f"{path}/{one['id']}", tenant, "Made.")

    @app.route("POST", path + "/([0-9]+)/delete")
    def delete(ask, number):
        tenant = who(ask)
        del kept.all[own(kept, tenant, number)["id"]]
        return leads_to(path, tenant, "Removed.")


@app.route("GET", "/projects/([0-9]+)")
def project(ask, number):
    tenant = who(ask)
    one = own(projects, tenant, number)
    people = "".join(f"<li>{html.escape(members.all[at]['name'])}</li>" for at in one["shared"] if at in members.all)
    state = "archived" if one["archived"] else "active"
    return page(tenant, f"<h1>{html.escape(one['name'])}</h1><p>Status: {state}</p><ul>{people}</ul>")


@app.route("GET", "/members/([0-9]+)")
def member(ask, number):
    tenant = who(ask)
    return page(tenant, f"<h1>{html.escape(own(members, tenant, number)['name'])}</h1>")


@app.route("POST", "/projects/([0-9]+)/share")
def share(ask, number):
    tenant = who(ask)
    one = own(projects, tenant, number)
    at = int(ask.form.get("member") or 0) if (ask.form.get("member") or "").isdigit() else 0
    found = members.all.get(at)
    if not found or (found["tenant"] != tenant and not BUG):
        return page(tenant, "<p class='error'>That is none of your members.</p>")
    one["shared"] = [*one["shared"], at]
    return leads_to(f"/projects/{number}", tenant, "Shared.")


@app.route("POST", "/projects/([0-9]+)/archive")
def archive(ask, number):
    tenant = who(ask)
    own(projects, tenant, number)["archived"] = True
    return leads_to("/projects", tenant, "Archived.")


pages_of(projects, "/projects")
pages_of(members, "/members")

if __name__ == "__main__":
    app.serve()
