"""Objects that nothing marks, found by the id alone: who reads another's is shown it, and has none of its own there.

CWE-639. The answer names its parent, which is another number in each request: it is the victim's to the letter all the same.
"""

from kit import BUG, Answer, App, Kept, bearer, counter, missing, shown

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "mint", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "sage", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
[target]
name = "shapes"
url = "$URL"
environment = "test"
settle = "100ms"
[[resource]]
name = "shelf"
path = "/shelves"
create = { name = "{canary}" }
methods = ["create", "read", "delete"]
[[resource]]
name = "box"
parent = "shelf"
path = "/shelves/{shelf}/boxes"
create = { width = "{int}" }
update = { width = "{int}" }
methods = ["create", "read", "patch", "delete"]
"""
ENV = {"KEY_A": "Bearer a-1", "KEY_B": "Bearer b-2"}
LEAKS = ["DELETE /shelves/{shelf}/boxes/{box}", "GET /shelves/{shelf}/boxes/{box}", "PATCH /shelves/{shelf}/boxes/{box}"]

app = App()
TOKENS = {"a-1": "mint", "b-2": "sage"}
shelves, boxes = Kept(counter(100)), Kept(counter(1))


def shelf_of(ask, id):
    try:
        return shelves.get(bearer(ask, TOKENS), int(id))
    except ValueError:
        raise missing() from None


def box_of(ask, shelf, id):
    above, box = shelf_of(ask, shelf), boxes.all.get(int(id) if id.isdigit() else None)
    if not box or (box["shelf"] != above["id"] and not BUG):
        raise missing()
    return box


@app.route("POST", "/shelves")
def create(ask):
    return Answer(201, shown(shelves.add(bearer(ask, TOKENS), name=(ask.json or {}).get("name"))))


app.route("GET", "/shelves/([^/]+)")(lambda ask, id: shown(shelf_of(ask, id)))


@app.route("DELETE", "/shelves/([^/]+)")
def delete(ask, id):
    del shelves.all[shelf_of(ask, id)["id"]]
    return Answer(204)


@app.route("POST", "/shelves/([^/]+)/boxes")
def put(ask, shelf):
    above = shelf_of(ask, shelf)
    return Answer(201, shown(boxes.add(above["tenant"], width=(ask.json or {}).get("width"), shelf=above["id"])))


app.route("GET", "/shelves/([^/]+)/boxes/([^/]+)")(lambda ask, shelf, id: shown(box_of(ask, shelf, id)))


@app.route("PATCH", "/shelves/([^/]+)/boxes/([^/]+)")
def change(ask, shelf, id):
    box = box_of(ask, shelf, id)
    box["width"] = (ask.json or {}).get("width")
    return shown(box)


@app.route("DELETE", "/shelves/([^/]+)/boxes/([^/]+)")
def drop(ask, shelf, id):
    del boxes.all[box_of(ask, shelf, id)["id"]]
    return Answer(204)


if __name__ == "__main__":
    app.serve()
