"""Appointments must lie ahead, and are read by id alone.

A calendar that takes no appointment in the past, and none farther away than a week; its list wants to know from when on.
"""

from datetime import date, datetime, timedelta, timezone

from kit import BUG, Answer, App, Kept, bearer, counter, missing, shown

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "lime", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "pine", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
[target]
name = "appointments"
url = "$URL"
environment = "test"
settle = "100ms"
[[resource]]
name = "appointment"
path = "/api/appointments"
list = "GET /api/appointments?from={now-5m}&to={today+8d}"
create = { title = "{canary}", starts = "{now+1h 30m}", remind = "{today+1d}" }
methods = ["list", "create", "read", "delete"]
"""
ENV = {"KEY_A": "Bearer a-1", "KEY_B": "Bearer b-2"}
LEAKS = ["GET /api/appointments/{appointment}"]

app = App()
TOKENS = {"a-1": "lime", "b-2": "pine"}
appointments = Kept(counter(100))


def who(ask):
    return bearer(ask, TOKENS)


def near(told, distance):
    """A time in UTC that is about so far away, or 422."""
    try:
        then = datetime.strptime(str(told), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        raise Answer(422, {"errors": [f"{told} is no time"]}) from None
    if abs(datetime.now(timezone.utc) + distance - then) > timedelta(seconds=20):
        raise Answer(422, {"errors": [f"{told} is not the time"]})
    return then


@app.route("GET", "/api/appointments")
def listed(ask):
    tenant = who(ask)
    near(ask.query.get("from"), timedelta(minutes=-5))
    date.fromisoformat(ask.query.get("to", ""))
    return [shown(one) for one in appointments.of(tenant)]


@app.route("POST", "/api/appointments")
def create(ask):
    tenant = who(ask)
    body = ask.json or {}
    near(body.get("starts"), timedelta(minutes=90))
    date.fromisoformat(str(body.get("remind")))
    return Answer(201, shown(appointments.add(tenant, title=str(body.get("title")), starts=body["starts"])))


@app.route("GET", "/api/appointments/([0-9]+)")
def read(ask, id):
    tenant = who(ask)
    one = appointments.all.get(int(id)) if BUG else appointments.get(tenant, int(id))
    return shown(one) if one else missing()


@app.route("DELETE", "/api/appointments/([0-9]+)")
def delete(ask, id):
    del appointments.all[appointments.get(who(ask), int(id))["id"]]
    return Answer(204)


if __name__ == "__main__":
    app.serve()
