"""Runs cases of the Autobahn suite against the example `echo`, and writes what came of each as JSON.

    run.py server|client ECHO REPORT PATTERN...

`server` tests it as a server, `client` as a client. The verdict is the caller's: here only a suite that cannot be run
is a failure.
"""

import asyncio
import json
import subprocess
import sys

import kosoku.cases
from kosoku import FailureError, run_fuzzingclient, run_fuzzingserver

# Cases at once: two cores, and most cases are short.
PARALLEL = 4


def accept_plain_messages():
    """The cases of sections 12 and 13 hash what comes back, and fail on a message that was not compressed: it comes as
    text, and they expect bytes. A message that gets no smaller is sent as it is, which the extension allows."""

    def wrapped(on_message):
        def as_bytes(self, message, binary):
            if isinstance(message, str):
                message = message.encode("latin-1" if binary else "utf-8")
            return on_message(self, message, binary)

        return as_bytes

    for name, case in kosoku.cases.CASES.items():
        if name.split(".")[0] in ("12", "13"):
            case.onMessage = wrapped(case.onMessage)


async def test_server(echo, patterns):
    process = subprocess.Popen([echo, "serve", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
    try:
        address = process.stdout.readline().strip()
        return await run_fuzzingclient(f"ws://{address}", patterns, None, concurrency=PARALLEL)
    finally:
        process.kill()
        process.wait()


async def test_client(echo, patterns):
    async with run_fuzzingserver(patterns, None, host="127.0.0.1", port=0) as server:
        process = subprocess.Popen([echo, "cases", f"ws://127.0.0.1:{server.port}"])
        try:
            return await server.get_result()
        finally:
            process.kill()
            process.wait()


async def main():
    role, echo, report, *patterns = sys.argv[1:]
    accept_plain_messages()
    test = {"server": test_server, "client": test_client}[role]
    try:
        results = await test(echo, patterns)
    except FailureError as failure:
        # All of them, the failed ones among them.
        results = failure.results
    cases = [
        {
            "case": result.case_id,
            "behavior": result.behavior.value,
            "close": result.behavior_close.value,
            "result": result.result,
            "result_close": result.result_close,
        }
        for result in results
    ]
    with open(report, "w", encoding="utf-8") as file:
        json.dump(cases, file, indent=1)


asyncio.run(main())
