#!/usr/bin/env python3
"""Holds JUnit reports to the readers of Jenkins and GitLab.

Jenkins' xUnit plugin validates against its `junit-10.xsd`: elements, attributes and times are those below. Its JUnit
plugin and GitLab read less, but both know a case by class and name: two of one name would hide each other.
"""

import re
import sys
from xml.etree import ElementTree

# Element: attributes that it must have, attributes that it may have, elements within.
RULES = {
    "testsuites": (set(), {"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": ({"name", "tests", "failures", "errors"}, {"time", "skipped", "timestamp"}, {"testcase"}),
    "testcase": ({"name", "classname"}, {"time"}, {"failure", "error", "skipped"}),
    "failure": ({"message", "type"}, set(), set()),
    "error": ({"message", "type"}, set(), set()),
    "skipped": ({"message"}, {"type"}, set()),
}
TIME = re.compile(r"[0-9]+\.[0-9]{3}")
KINDS = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def check(element):
    """Everything that is wrong with an element and those within it."""
    required, optional, children = RULES[element.tag]
    found = set(element.attrib)
    if not required <= found <= required | optional:
        yield f"<{element.tag}> has the attributes {sorted(found)}"
    if "time" in found and not TIME.fullmatch(element.get("time")):
        yield f"time={element.get('time')!r} is no number of seconds"
    cases = list(element.iter("testcase"))
    if "tests" in found and int(element.get("tests")) != len(cases):
        yield f"{element.get('name')}: tests={element.get('tests')}, but there are {len(cases)}"
    for attribute, kind in KINDS.items():
        count = len(list(element.iter(kind)))
        if element.tag.startswith("testsuite") and attribute in found and int(element.get(attribute)) != count:
            yield f"{element.get('name')}: {attribute}={element.get(attribute)}, but there are {count}"
    for child in element:
        if child.tag not in children:
            yield f"<{child.tag}> within <{element.tag}>"
        else:
            yield from check(child)


def problems(path):
    root = ElementTree.parse(path).getroot()
    if root.tag != "testsuites":
        yield f"the outermost element is <{root.tag}>"
        return
    yield from check(root)
    names = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
    if not names:
        yield "there is no case, which Jenkins takes for a failure"
    if len(set(names)) < len(names):
        yield "two cases have one name"


failed = False
for path in sys.argv[1:]:
    for problem in problems(path):
        failed = True
        print(f"{path}: {problem}", file=sys.stderr)
if failed or len(sys.argv) < 2:
    sys.exit(1)
