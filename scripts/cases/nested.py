"""Three levels, of which only the first is checked: a note may be made on another's example below one's own project.

CWE-639, where an ancestor is looked at and the one between is not (seen in an annotation tool). Only who names that one
object of the victim's, and is the owner of all above it, is let in.
"""

from kit import BUG, Answer, App, Kept, bearer, below, missing, numbered, rest_below, shown, text

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "mint", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "sage", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
[target]
name = "labels"
url = "$URL"
environment = "test"
settle = "100ms"
[[resource]]
name = "project"
path = "/projects"
create = { name = "{canary}" }
[[resource]]
name = "example"
parent = "project"
create = { text = "{canary}" }
[[resource]]
name = "note"
parent = "example"
create = { text = "{canary}" }
"""
ENV = {"KEY_A": "Bearer a-1", "KEY_B": "Bearer b-2"}
LEAKS = ["POST /projects/{project}/examples/{example}/notes"]

app = App()
TOKENS = {"a-1": "mint", "b-2": "sage"}
projects, examples, notes = Kept(numbered("p")), Kept(numbered("e")), Kept(numbered("n"))


def project_of(ask, id):
    tenant, project = bearer(ask, TOKENS), projects.all.get(id)
    if not project or project["tenant"] != tenant:
        raise Answer(403, {"error": "no member of it"})
    return project


def example_of(ask, project, example):
    return below(examples, project_of(ask, project), example)


def free(ask, project, example):
    if not BUG:
        return example_of(ask, project, example)
    project_of(ask, project)
    if example not in examples.all:
        raise missing()
    return examples.all[example]


@app.route("GET", "/projects")
def listed(ask):
    return [shown(one) for one in projects.of(bearer(ask, TOKENS))]


@app.route("POST", "/projects")
def create(ask):
    return Answer(201, shown(projects.add(bearer(ask, TOKENS), name=text(ask.json or {}, "name"))))


app.route("GET", "/projects/([^/]+)")(lambda ask, id: shown(project_of(ask, id)))


def rename(ask, id):
    project = project_of(ask, id)
    project["name"] = text(ask.json or {}, "name")
    return shown(project)


app.route("PUT", "/projects/([^/]+)")(rename)
app.route("PATCH", "/projects/([^/]+)")(rename)


@app.route("DELETE", "/projects/([^/]+)")
def delete(ask, id):
    del projects.all[project_of(ask, id)["id"]]
    return Answer(204)


def accept(body):
    return {"text": text(body, "text")}


rest_below(app, "/projects/([^/]+)/examples", project_of, examples, accept)
rest_below(app, "/projects/([^/]+)/examples/([^/]+)/notes", example_of, notes, accept, free)


if __name__ == "__main__":
    app.serve()
