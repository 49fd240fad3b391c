"""A query and a mutation load the organisation that the caller names.

glific/glific PR #5327; talawa-api #2009.
"""

from kit import BUG, Answer, App, key

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "31", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "32", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
[target]
name = "forum"
url = "$URL"
environment = "test"
settle = "100ms"
[[resource]]
name = "organization"
existing = { 31 = 31, 32 = 32 }
disposable = true
read = { request = "POST /api", graphql = "query($id: ID!) { organization(id: $id) { id name code } }", variables = { id = "{organization}" } }
[resource.patch]
request = "POST /api"
graphql = "mutation($id: ID!, $name: String!) { updateOrganization(id: $id, name: $name) { id name } }"
variables = { id = "{organization}", name = "{canary}" }
"""
ENV = {"KEY_A": "t-31-aa", "KEY_B": "t-32-bb"}
LEAKS = ['POST /api (organization.read)', 'POST /api (organization.patch)']

app = App()
TOKENS = {"t-31-aa": "31", "t-32-bb": "32"}
organizations = {
    "31": {"id": "31", "name": "Harbour walkers", "code": "9f31c07be2"},
    "32": {"id": "32", "name": "Night bakers", "code": "0b72d4c1aa"},
}


@app.route("POST", "/api")
def query(ask):
    tenant = key(ask, TOKENS, "authorization")
    body = ask.json or {}
    text, variables = body.get("query", ""), body.get("variables") or {}
    id = str(variables.get("id"))
    if id not in organizations or (id != tenant and not BUG):
        return {"data": None, "errors": [{"message": "not found"}]}
    if "updateOrganization" in text:
        organizations[id]["name"] = variables["name"]
        return {"data": {"updateOrganization": {"id": id, "name": variables["name"]}}}
    return {"data": {"organization": organizations[id]}}

if __name__ == "__main__":
    app.serve()
