"""The stand-in as a process of its own."""

import json
import subprocess
import urllib.request


class Standin:
    """A stand-in that runs until the end of a `with`. `urls` are those of its sockets, in the order of the arguments."""

    def __init__(self, binary, sockets, *arguments):
        self.command = [binary, *arguments]
        self.sockets = sockets

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        self.urls = [self.process.stdout.readline().strip() for _ in range(self.sockets)]
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.communicate()

    @property
    def url(self):
        return self.urls[0]

    def endpoint(self, url=None):
        return f"{url or self.url}/swr/{{region}}"

    def control(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_standin/{path}", data, method=method)
        with urllib.request.urlopen(request) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def counters(self):
        return self.control("GET", "counters")

    def project_id(self, region):
        return self.control("GET", "world")["regions"][region]["project_id"]
