"""For the scripts beside it: running `watertight`, and counting what held."""

import json
import subprocess
import sys
import time


class Checks:
    """Prints one line for each expectation, and at the end how many held."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0

    def expect(self, what: str, held: bool, otherwise: object = "") -> None:
        if held:
            self.passed += 1
            print(f"ok      {what}", flush=True)
        else:
            self.failed += 1
            print(f"FAILED  {what}: {otherwise}", flush=True)

    def finish(self) -> int:
        print(f"{self.passed} passed, {self.failed} failed")
        return 1 if self.failed or not self.passed else 0


class Run:
    """One run of `watertight … --format json`: its exit code and its document."""

    def __init__(self, command: list[str], *, env: dict[str, str] | None = None, timeout: int = 300) -> None:
        started = time.monotonic()
        try:
            done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            sys.exit(f"{' '.join(command)}: not done after {timeout} s")
        self.seconds = time.monotonic() - started
        self.exit = done.returncode
        self.output = done.stdout
        self.errors = done.stderr
        try:
            self.document = json.loads(done.stdout)
        except ValueError:
            self.document = {}
        self.findings: list[dict] = self.document.get("findings", []) if isinstance(self.document, dict) else []

    def leaks(self) -> list[dict]:
        return [finding for finding in self.findings if finding["kind"] == "leak"]

    def __str__(self) -> str:
        """What a failed expectation shows."""
        if not isinstance(self.document, dict) or not self.document:
            return f"exit {self.exit}, no document; {self.errors.strip()[-600:]}"
        found = sorted({f"{f['kind']} {f['check']} {f['operation']}" for f in self.findings})
        owed = sorted({f"{u['check']} {u['operation']}: {u['why']}" for u in self.document.get("unproven", [])})
        return f"exit {self.exit}, verdict {self.document.get('verdict')}, findings {found}, unproven {owed[:8]}"
