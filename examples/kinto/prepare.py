#!/usr/bin/env python3
"""Makes two tenants in a running Kinto: an account each, with a bucket, a collection and records of its own.

    eval "$(python3 examples/kinto/prepare.py http://127.0.0.1:8888)"

prints the variables that watertight.toml asks for. Run again against the same Kinto with those variables set, it finds its
accounts as they were.

    python3 examples/kinto/prepare.py --open south http://127.0.0.1:8888

opens that tenant's bucket to every authenticated user, a mistake for `watertight verify` to find; `--close` fixes it.
"""

import argparse
import base64
import json
import os
import secrets
import shlex
import sys
import urllib.error
import urllib.request

TENANTS = ("north", "south")
RECORDS = 3
TIMEOUT_SECONDS = 10


class Refused(Exception):
    """Kinto's answer was not the one that the preparation needs."""


class Account:
    """One tenant's own credentials, and the requests that are made with them."""

    def __init__(self, url: str, tenant: str, password: str):
        self.url = url.rstrip("/") + "/v1"
        self.tenant = tenant
        self.user = f"watertight-{tenant}"
        self.bucket = f"/buckets/watertight-{tenant}"
        self.password = password

    def request(self, method: str, path: str, body: dict, *, anonymous: bool = False) -> dict:
        request = urllib.request.Request(
            self.url + path,
            data=json.dumps(body).encode(),
            method=method,
            headers={"Content-Type": "application/json"},
        )
        if not anonymous:
            pair = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
            request.add_header("Authorization", f"Basic {pair}")
        # No proxy: the example is for a Kinto of one's own, most often on loopback.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise Refused(f"{method} {path} as {self.user}: {error.code} {error.read(500).decode(errors='replace')}") from error
        except OSError as error:
            raise Refused(f"{method} {self.url}{path}: {error}. Is Kinto running there?") from error

    def create(self) -> None:
        """The account. Kinto lets anyone create a name that is free, and only its owner write one that is taken."""
        body = {"data": {"password": self.password}}
        try:
            self.request("PUT", f"/accounts/{self.user}", body, anonymous=True)
        except Refused as refused:
            try:
                self.request("PUT", f"/accounts/{self.user}", body)
            except Refused:
                raise Refused(
                    f"{refused}\nThe account may be of an earlier run: set {variable(self.tenant)} to its password, "
                    "or start Kinto afresh"
                ) from refused

    def fill(self) -> None:
        """A bucket, a collection and records, with values that nobody else could guess."""
        self.request("PUT", self.bucket, {"data": {"label": f"{self.tenant} {secrets.token_hex(12)}"}})
        collection = f"{self.bucket}/collections/cases"
        self.request("PUT", collection, {"data": {"title": f"cases {secrets.token_hex(12)}"}})
        for number in range(1, RECORDS + 1):
            title = f"case {number} {secrets.token_hex(12)}"
            self.request("PUT", f"{collection}/records/case-{number}", {"data": {"title": title}})

    def set_readers(self, principals: list[str]) -> None:
        self.request("PATCH", self.bucket, {"permissions": {"read": principals}})


def variable(tenant: str) -> str:
    """The environment variable that holds a tenant's password."""
    return f"{tenant.upper()}_PASSWORD"


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("url", help="of Kinto, without /v1")
    change = arguments.add_mutually_exclusive_group()
    change.add_argument("--open", choices=TENANTS, metavar="TENANT", help="let every account read this tenant's bucket")
    change.add_argument("--close", choices=TENANTS, metavar="TENANT", help="let only its owner read it again")
    chosen = arguments.parse_args()
    try:
        if changed := chosen.open or chosen.close:
            password = os.environ.get(variable(changed))
            if not password:
                raise Refused(f"{variable(changed)} is not set; it is among the variables that the preparation printed")
            Account(chosen.url, changed, password).set_readers(["system.Authenticated"] if chosen.open else [])
            return 0
        print(f"export KINTO_URL={shlex.quote(chosen.url)}")
        for tenant in TENANTS:
            account = Account(chosen.url, tenant, os.environ.get(variable(tenant)) or secrets.token_urlsafe(24))
            account.create()
            account.fill()
            print(f"export {variable(tenant)}={shlex.quote(account.password)}")
    except Refused as refused:
        print(f"prepare.py: {refused}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
