"""Exports are packed: a zip archive of all contacts, a sheet of one project within a workbook, a dump with gzip. None of
them knows a workspace.

Turtuure/sip issue #61, with what is exported packed.
"""

import gzip
import io
import zipfile

from kit import BUG, Answer, App, Kept, bearer, missing, numbered, rest, text

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "lime", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "pine", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
[target]
name = "packed"
url = "$URL"
environment = "test"
settle = "100ms"
[[resource]]
name = "project"
path = "/api/projects"
create = { name = "{canary}" }
views = { archive = "GET /api/projects/export.zip", dump = "GET /api/projects/dump.csv.gz" }
[[operation]]
name = "workbook"
request = "GET /api/projects/{project}/workbook.xlsx"
"""
ENV = {"KEY_A": "Bearer a-1", "KEY_B": "Bearer b-2"}
LEAKS = ["GET /api/projects/dump.csv.gz", "GET /api/projects/export.zip", "GET /api/projects/{project}/workbook.xlsx"]

app = App()
TOKENS = {"a-1": "lime", "b-2": "pine"}
projects = Kept(numbered("p-"))


def who(ask):
    return bearer(ask, TOKENS)


def zipped(members):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def rows(tenant):
    return projects.all.values() if BUG else projects.of(tenant)


def csv(tenant):
    return "id,name\n" + "".join(f"{one['id']},{one['name']}\n" for one in rows(tenant))


@app.route("GET", "/api/projects/export.zip")
def archive(ask):
    tenant = who(ask)
    inner = zipped({f"{one['id']}.txt": one["name"] for one in rows(tenant)})
    return Answer(200, zipped({"readme.txt": "All projects.", "projects.zip": inner}), kind="application/zip")


@app.route("GET", "/api/projects/dump.csv.gz")
def dump(ask):
    return Answer(200, gzip.compress(csv(who(ask)).encode()), kind="application/gzip")


@app.route("GET", "/api/projects/([^/]+)/workbook.xlsx")
def workbook(ask, id):
    tenant = who(ask)
    one = projects.all.get(id) if BUG else projects.get(tenant, id)
    if one is None:
        return missing()
    sheet = f"<worksheet><sheetData><row><c t='inlineStr'><is><t>{one['name']}</t></is></c></row></sheetData></worksheet>"
    members = {"[Content_Types].xml": "<Types/>", "xl/worksheets/sheet1.xml": sheet}
    return Answer(200, zipped(members), kind="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")


rest(app, "/api/projects", who, projects, lambda _, body: {"name": text(body, "name")})

if __name__ == "__main__":
    app.serve()
