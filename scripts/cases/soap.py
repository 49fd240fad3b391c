"""SOAP 1.1, as the standard has it: every call is a POST to one address, what is done is named by the SOAPAction header and the
body, and whatever is refused is a fault with status 500.

With the bug, GetInvoice and CancelInvoice find an invoice by its number alone.
"""

import base64
import re
from xml.sax.saxutils import escape

from kit import BUG, Answer, App, Kept, counter


def call(action, inner):
    envelope = ('<soap:Envelope xmlns:soap=\\"http://schemas.xmlsoap.org/soap/envelope/\\" xmlns:b=\\"urn:billing\\"><soap:Body>'
                f"<b:{action}>{inner}</b:{action}></soap:Body></soap:Envelope>")
    return (f'{{ request = "POST /soap/Billing", type = "text/xml; charset=utf-8", headers = {{ SOAPAction = "urn:billing#{action}" }}, '
            f'text = "{envelope}" }}')


SPEC = """
tenancy.locator = "token"
limits.rate = 5000
target = { name = "billing", url = "$URL", environment = "test", settle = "100ms" }
tenant = [
  { id = "north", principal = [{ name = "erp", grant = "basic", username = "north", password = "$PASS_A" }] },
  { id = "south", principal = [{ name = "erp", grant = "basic", username = "south", password = "$PASS_B" }] },
]
[[resource]]
name = "invoice"
id = "$..Invoice.Number"
""" + "\n".join([
    f"create = {call('CreateInvoice', '<b:Customer>{canary}</b:Customer><b:Amount>{int}</b:Amount>')}",
    f"list = {call('ListInvoices', '')}",
    f"read = {call('GetInvoice', '<b:Number>{invoice}</b:Number>')}",
    f"patch = {call('UpdateInvoice', '<b:Number>{invoice}</b:Number><b:Customer>{canary}</b:Customer>')}",
    f"delete = {call('DeleteInvoice', '<b:Number>{invoice}</b:Number>')}",
]) + """
[[operation]]
name = "cancel"
effect = "change"
""" + call("CancelInvoice", "<b:Number>{invoice}</b:Number>").strip("{} ").replace('", type', '"\ntype').replace(', headers', '\nheaders').replace('}, text', '}\ntext') + "\n"
ENV = {"PASS_A": "pw-north-6120", "PASS_B": "pw-south-7731"}
LEAKS = ["POST /soap/Billing (invoice.read)", "POST /soap/Billing (cancel)"]

app = App()
USERS = {"north": ENV["PASS_A"], "south": ENV["PASS_B"]}
invoices = Kept(counter(70012))


def envelope(inner):
    return ('<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/">'
            f"<soap:Body>{inner}</soap:Body></soap:Envelope>")


def fault(code, words):
    body = f"<soap:Fault><faultcode>soap:{code}</faultcode><faultstring>{escape(words)}</faultstring></soap:Fault>"
    return Answer(500, envelope(body), kind="text/xml; charset=utf-8")


def shown(one):
    return (f"<Invoice><Number>{one['id']}</Number><Customer>{escape(one['customer'])}</Customer>"
            f"<Amount>{one['amount']}</Amount><Status>{one['status']}</Status></Invoice>")


def answered(action, inner):
    return Answer(200, envelope(f'<{action}Response xmlns="urn:billing">{inner}</{action}Response>'), kind="text/xml; charset=utf-8")


@app.route("POST", "/soap/Billing")
def soap(ask):
    scheme, _, pair = (ask.headers.get("authorization") or "").partition(" ")
    try:
        user, _, password = base64.b64decode(pair).decode().partition(":")
    except ValueError:
        user, password = "", ""
    if scheme.lower() != "basic" or USERS.get(user) != password:
        return Answer(401, "", [("www-authenticate", "Basic")])
    body = ask.raw.decode("utf-8", "replace")
    members = {name: value for name, value in re.findall(r"<b:(\w+)>([^<]*)</b:\1>", body)}
    action = (ask.headers.get("soapaction") or "").strip('"').partition("#")[2]
    if f"<b:{action}>" not in body or not action:
        return fault("Client", "no such action")
    if action == "CreateInvoice":
        if not members.get("Customer"):
            return fault("Client", "Customer is required")
        one = invoices.add(user, customer=members["Customer"], amount=members.get("Amount", "0"), status="open")
        return answered(action, shown(one))
    if action == "ListInvoices":
        return answered(action, "<Invoices>" + "".join(shown(one) for one in invoices.of(user)) + "</Invoices>")
    number = members.get("Number", "")
    one = invoices.all.get(int(number)) if number.isdigit() else None
    if not one or (one["tenant"] != user and not (BUG and action in ("GetInvoice", "CancelInvoice"))):
        return fault("Client", "Invoice not found")
    if action == "UpdateInvoice":
        one["customer"] = members["Customer"]
    elif action == "CancelInvoice":
        one["status"] = "cancelled"
        return answered(action, "<Done>true</Done>")
    elif action == "DeleteInvoice":
        del invoices.all[one["id"]]
        return answered(action, "<Done>true</Done>")
    elif action != "GetInvoice":
        return fault("Client", "no such action")
    return answered(action, shown(one))


if __name__ == "__main__":
    app.serve()
