"""A help desk with a notification feed, an unread counter in the head of every list, and a dashboard of numbers that is
computed at most every 300 ms for each tenant and period, as a cache keeps it.

With the bug, the cache of the dashboard goes by the period alone, and marking one notification as read goes by its id alone.
"""

import time

from kit import BUG, Answer, App, Kept, bearer, counter, numbered, shown, text

SPEC = """
tenancy.locator = "token"
limits.rate = 5000
target = { name = "desk", url = "$URL", environment = "test", settle = "1s" }
tenant = [
  { id = "acme", principal = [{ name = "agent", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "globex", principal = [{ name = "agent", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
operation = [
  { name = "dashboard", request = "GET /api/dashboard?period=7d" },
  { name = "me", request = "GET /api/me" },
  { name = "mark-read", request = "POST /api/notifications/{notification}/read", effect = "change" },
  { name = "solve", request = "POST /api/tickets/{ticket}/solve", effect = "change" },
]
[[resource]]
name = "ticket"
path = "/api/tickets"
create = { subject = "{canary}", priority = "high" }
[[resource]]
name = "notification"
create = { request = "POST /api/tickets/{ticket}/mentions", body = { text = "{canary}" } }
list = "GET /api/notifications"
read = "GET /api/notifications/{notification}"
delete = "DELETE /api/notifications/{notification}"
"""
ENV = {"KEY_A": "Bearer desk-a-10", "KEY_B": "Bearer desk-b-20"}
LEAKS = ["GET /api/dashboard?period=7d", "POST /api/notifications/{notification}/read"]

app = App()
TOKENS = {"desk-a-10": "acme", "desk-b-20": "globex"}
tickets, notifications, cache = Kept(counter(5001)), Kept(numbered("n_")), {}


def who(ask):
    return bearer(ask, TOKENS)


def unread(tenant):
    return sum(not one["read"] for one in notifications.of(tenant))


def ticket(ask, id):
    return tickets.get(who(ask), int(id))


@app.route("GET", "/api/me")
def me(ask):
    tenant = who(ask)
    return {"organisation": tenant, "unread": unread(tenant)}


@app.route("GET", "/api/dashboard")
def dashboard(ask):
    tenant, period = who(ask), ask.query.get("period", "7d")
    place = period if BUG else (tenant, period)
    if place not in cache or time.time() - cache[place][0] > 0.3:
        of = tickets.of(tenant)
        cache[place] = time.time(), {"period": period, "tickets": len(of), "solved": sum(one["solved"] for one in of)}
    return cache[place][1]


@app.route("GET", "/api/tickets")
def every(ask):
    return {"tickets": [shown(one) for one in tickets.of(who(ask))]}


def filled(body):
    return {"subject": text(body, "subject"), "priority": body.get("priority", "normal")}


@app.route("POST", "/api/tickets")
def create(ask):
    tenant = who(ask)
    return Answer(201, shown(tickets.add(tenant, **filled(ask.json or {}), solved=False)))


@app.route("GET", "/api/tickets/([0-9]+)")
def read(ask, id):
    return shown(ticket(ask, id))


@app.route("PUT", "/api/tickets/([0-9]+)")
@app.route("PATCH", "/api/tickets/([0-9]+)")
def change(ask, id):
    one = ticket(ask, id)
    one.update(filled({**one, **(ask.json or {})}))
    return shown(one)


@app.route("DELETE", "/api/tickets/([0-9]+)")
def delete(ask, id):
    one = ticket(ask, id)
    del tickets.all[one["id"]]
    for noted in [noted for noted in notifications.all.values() if noted["ticket"] == one["id"]]:
        del notifications.all[noted["id"]]
    return Answer(204)


@app.route("POST", "/api/tickets/([0-9]+)/solve")
def solve(ask, id):
    one = ticket(ask, id)
    one["solved"] = True
    return shown(one)


@app.route("POST", "/api/tickets/([0-9]+)/mentions")
def mention(ask, id):
    one = ticket(ask, id)
    noted = notifications.add(one["tenant"], ticket=one["id"], text=text(ask.json or {}, "text"), read=False)
    return Answer(201, shown(noted))


@app.route("GET", "/api/notifications")
def feed(ask):
    tenant = who(ask)
    return {"unread": unread(tenant), "items": [shown(one) for one in reversed(notifications.of(tenant))]}


@app.route("GET", "/api/notifications/([^/]+)")
def one_of(ask, id):
    return shown(notifications.get(who(ask), id))


@app.route("DELETE", "/api/notifications/([^/]+)")
def dismiss(ask, id):
    del notifications.all[notifications.get(who(ask), id)["id"]]
    return Answer(204)


@app.route("POST", "/api/notifications/([^/]+)/read")
def mark(ask, id):
    tenant, one = who(ask), notifications.all.get(id)
    if not one or (one["tenant"] != tenant and not BUG):
        return Answer(404, {"error": "not found"})
    one["read"] = True
    return Answer(204)


if __name__ == "__main__":
    app.serve()
