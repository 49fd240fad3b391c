"""What joins two others is there once: joining them again yields the first, or is refused. Leaving goes by the id alone.

CWE-639. Two trials that make "another one" of the same two others have the same object, and disturb each other.
"""

from kit import BUG, Answer, App, Kept, bearer, counter, missing, rest, shown, text

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "elm", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "oak", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
resource = [
  { name = "pupil", path = "/pupils", create = { name = "{canary}" } },
  { name = "course", path = "/courses", create = { title = "{canary}" } },
  { name = "enrollment", path = "/courses/{course}/enrollments", create = { pupil = "{pupil}" }, methods = ["list", "create"] },
  { name = "certificate", path = "/certificates", create = { pupil = "{pupil}", course = "{course}" } },
]
operation = [
  { name = "leave", request = "DELETE /courses/{course}/enrollments/{enrollment}?task=delete", effect = "destroy", after = "enrollment.create" },
  { name = "many", request = "POST /reports/many", body = { reports = [{ of = "{pupil}", text = "x" }, { of = "", text = "y" }] }, effect = "create" },
]
[target]
name = "school"
url = "$URL"
environment = "test"
settle = "100ms"
"""
ENV = {"KEY_A": "Bearer a-1", "KEY_B": "Bearer b-2"}
LEAKS = ["DELETE /courses/{course}/enrollments/{enrollment}?task=delete", "POST /certificates"]

app = App()
TOKENS = {"a-1": "elm", "b-2": "oak"}
ids = counter(101)
pupils, courses, enrollments, certificates = Kept(ids), Kept(ids), Kept(ids), Kept(ids)


def who(ask):
    return bearer(ask, TOKENS)


def number(text):
    return int(text) if str(text).isdigit() else 0


def course(ask, id):
    return courses.get(who(ask), number(id))


def pupil(tenant, body):
    one = pupils.all.get(number((body or {}).get("pupil")))
    if not one or one["tenant"] != tenant:
        raise Answer(400, {"errors": [{"message": "no such pupil"}]})
    return one["id"]


@app.route("POST", "/courses/([^/]+)/enrollments")
def enroll(ask, id):
    joined = {"course": course(ask, id)["id"], "pupil": pupil(who(ask), ask.json)}
    for one in enrollments.all.values():
        if {name: one[name] for name in joined} == joined:
            one["state"] = "active"
            return shown(one)
    return shown(enrollments.add(who(ask), **joined, state="active"))


@app.route("POST", "/reports/many")
def many(ask):
    """What it makes is not shown anywhere: only what is told of a pupil of another's decides."""
    tenant = who(ask)
    for one in (ask.json or {}).get("reports") or []:
        if one.get("of") and pupils.all.get(number(one["of"]), {}).get("tenant") != tenant:
            raise Answer(422, {"errors": [{"message": "pupil: is invalid"}]})
    return {"job": "done"}


@app.route("GET", "/courses/([^/]+)/enrollments")
def enrolled(ask, id):
    below, at = course(ask, id)["id"], int(ask.query.get("page", 1))
    active = [one for one in enrollments.all.values() if one["course"] == below and one["state"] == "active"]
    own = [{**shown(one), "name": pupils.all.get(one["pupil"], {}).get("name")} for one in active]
    further = [("link", f'<{ask.path}?page={at + 1}>; rel="next"')] if len(own) > 5 * at else []
    return Answer(200, own[5 * at - 5:5 * at], further)


@app.route("DELETE", "/courses/([^/]+)/enrollments/([^/]+)")
def leave(ask, id, member):
    one = enrollments.all.get(number(member))
    below = who(ask) if BUG else course(ask, id)["id"]
    if not one or (not BUG and one["course"] != below):
        return missing()
    one["state"] = "deleted"
    return shown(one)


def certified(tenant, body):
    known, made_now = certificates.all.get(number(body.get("id"))), "id" not in body
    of = pupils.all.get(number(body.get("pupil")))
    if not BUG or not made_now or not of:
        of = {"id": pupil(tenant, body)}
    at = courses.get(tenant, number(body.get("course")))
    joined = {"pupil": of["id"], "course": at["id"]}
    if any({name: one[name] for name in joined} == joined and one is not known for one in certificates.all.values()):
        raise Answer(409, {"errors": [{"message": "has one already"}]})
    return {**joined, "holder": pupils.all[of["id"]]["name"]}


rest(app, "/pupils", who, pupils, lambda _, body: {"name": text(body, "name")}, int)
rest(app, "/courses", who, courses, lambda _, body: {"title": text(body, "title")}, int)
rest(app, "/certificates", who, certificates, certified, int)


if __name__ == "__main__":
    app.serve()
