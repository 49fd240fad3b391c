"""A help desk of HTML pages: forms are answered with a redirect (post/redirect/get), and what is refused leads back to the
list, with a message there. Tickets are changed and closed by their number alone, and the list says how many there are in all.

riteshbonthalakoti/HELPDESK.AI issue #3051, with pages for people.
"""

import html
import secrets
import urllib.parse

from kit import BUG, Answer, App, Kept, counter

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "fern", principal = [{ name = "desk", grant = "session", form = { csrf = "{csrf}" }, steps = [{ request = "POST /login", form = { user = "fern", password = "$KEY_A" } }, { request = "GET /tickets/new", take = { csrf = "field:csrf" } }] }] },
  { id = "moss", principal = [{ name = "desk", grant = "session", form = { csrf = "{csrf}" }, steps = [{ request = "POST /login", form = { user = "moss", password = "$KEY_B" } }, { request = "GET /tickets/new", take = { csrf = "field:csrf" } }] }] },
]
limits.rate = 5000
operation = [{ name = "close", request = "POST /tickets/close", form = { ids = ["{ticket}", "{ticket}"] }, effect = "change" }]
[target]
name = "desk"
url = "$URL"
environment = "test"
settle = "100ms"
[[resource]]
name = "ticket"
list = "GET /tickets/"
create = { request = "POST /tickets/new", form = { title = "{canary}" } }
read = "GET /tickets/{ticket}/"
patch = { request = "POST /tickets/{ticket}/edit", form = { title = "{canary}" } }
delete = "POST /tickets/{ticket}/delete"
search = "GET /tickets/?q={canary.public}"
[[resource]]
name = "note"
create = { request = "POST /tickets/{ticket}/notes/", form = { text = "{canary}" } }
read = "GET /notes/{note}/"
delete = "POST /notes/{note}/delete"
"""
ENV = {"KEY_A": "a-1-long-password", "KEY_B": "b-2-long-password"}
LEAKS = ["GET /tickets/", "POST /tickets/close", "POST /tickets/{ticket}/edit", "POST /tickets/{ticket}/delete"]

app = App()
USERS = {"fern": "a-1-long-password", "moss": "b-2-long-password"}
sessions = {}
tickets, notes = Kept(counter(100)), Kept(counter(7))


class Session:
    def __init__(self, tenant):
        self.tenant, self.message, self.csrf = tenant, "", secrets.token_hex(12)


def page(session, body, status=200):
    said, session.message = session.message, ""
    message = f'<p class="message">{said}</p>' if said else ""
    menu = '<nav><a href="/tickets/">Tickets</a> <a href="/tickets/new">New</a></nav>'
    made = f"<footer>made in {secrets.randbelow(90)} ms</footer>"
    text = f"<!doctype html><html><head><title>Desk</title></head><body>{menu}{message}{body}{made}</body></html>"
    return Answer(status, text, kind="text/html; charset=utf-8")


def leads_to(place, session=None, message=""):
    if session:
        session.message = message
    return Answer(302, headers=[("location", place)])


def who(ask):
    session = sessions.get(ask.cookies.get("session"))
    if session is None:
        raise leads_to("/login?next=" + ask.path)
    # Every form has the token of its session in a field: a page elsewhere doesn't know it.
    if ask.method == "POST" and ask.form.get("csrf") != session.csrf:
        raise page(session, "<h1>Forbidden</h1><p>This form is not from here.</p>", status=403)
    return session


def own(kept, session, number):
    one = kept.all.get(int(number))
    if one is None or one["tenant"] != session.tenant:
        raise leads_to("/tickets/", session, "It is not there.")
    return one


def any_or_own(session, number):
    one = tickets.all.get(int(number))
    return one if BUG and one else own(tickets, session, number)


@app.route("POST", "/login")
def login(ask):
    user = ask.form.get("user")
    if user not in USERS or USERS[user] != ask.form.get("password"):
        return leads_to("/login?failed=1")
    name = secrets.token_hex(16)
    sessions[name] = Session(user)
    return Answer(303, headers=[("location", "/tickets/"), ("set-cookie", f"session={name}; Path=/; HttpOnly")])


@app.route("GET", "/tickets/new")
def new(ask):
    session = who(ask)
    return page(session, f"<form method=post><input type=hidden name=csrf value={session.csrf}><input name=title></form>")


@app.route("GET", "/tickets/")
def listed(ask):
    session = who(ask)
    found = [one for one in tickets.of(session.tenant) if ask.query.get("q", "") in one["title"]]
    row = '<tr><td>{title}</td><td><a href="/tickets/{id}/">open</a> <a href="/tickets/{id}/edit">edit</a></td></tr>'
    rows = "".join(row.format(id=one["id"], title=html.escape(one["title"])) for one in found)
    count = len(tickets.all if BUG else tickets.of(session.tenant))
    return page(session, f"<h1>Tickets</h1><table>{rows}</table><p>{count} tickets</p>")


@app.route("POST", "/tickets/new")
def create(ask):
    session = who(ask)
    if not ask.form.get("title"):
        return page(session, "<form method=post><p>A title, please.</p><input name=title></form>")
    tickets.add(session.tenant, title=ask.form["title"], closed=False)
    return leads_to("/tickets/", session, "Made.")


@app.route("GET", "/tickets/(\\d+)/")
def read(ask, number):
    session = who(ask)
    one = own(tickets, session, number)
    beside = "".join(f'<li>{html.escape(note["text"])}</li>' for note in notes.of(session.tenant) if note["on"] == one["id"])
    state = "closed" if one["closed"] else "open"
    return page(session, f"<h1>{html.escape(one['title'])}</h1><p>{state}</p><ul>{beside}</ul>")


@app.route("POST", "/tickets/(\\d+)/edit")
def edit(ask, number):
    session = who(ask)
    one = any_or_own(session, number)
    if not ask.form.get("title"):
        return page(session, "<form method=post><p>A title, please.</p><input name=title></form>")
    one["title"] = ask.form["title"]
    return leads_to(f"/tickets/{number}/", session, "Changed.")


@app.route("POST", "/tickets/close")
def close(ask):
    """The first of them is checked, and with the bug the others are taken as they are."""
    session, numbers = who(ask), urllib.parse.parse_qs(ask.raw.decode()).get("ids") or ["0"]
    for one in [own(tickets, session, numbers[0]), *(any_or_own(session, number) for number in numbers[1:])]:
        one["closed"] = True
    return leads_to("/tickets/", session, "Closed.")


@app.route("POST", "/tickets/(\\d+)/delete")
def delete(ask, number):
    session = who(ask)
    del tickets.all[any_or_own(session, number)["id"]]
    return leads_to("/tickets/", session, "Deleted.")


@app.route("POST", "/tickets/(\\d+)/notes/")
def add_note(ask, number):
    session = who(ask)
    one = own(tickets, session, number)
    note = notes.add(session.tenant, on=one["id"], text=ask.form.get("text", ""))
    return leads_to(f"/notes/{note['id']}/", session, "Noted.")


@app.route("GET", "/notes/(\\d+)/")
def read_note(ask, number):
    session = who(ask)
    return page(session, f"<p>{html.escape(own(notes, session, number)['text'])}</p>")


@app.route("POST", "/notes/(\\d+)/delete")
def delete_note(ask, number):
    session = who(ask)
    del notes.all[own(notes, session, number)["id"]]
    return leads_to("/tickets/", session, "Deleted.")


if __name__ == "__main__":
    app.serve()
