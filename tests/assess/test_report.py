"""The report of made-up assessments: JSON by its published schema, the page as HTML."""

import copy
import json
import os
import pathlib
import re
import subprocess
from html.parser import HTMLParser

import jsonschema
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SAMPLE = os.environ.get("ASHORE_REPORT_SAMPLE", ROOT / "build/tests/assess/report_sample")
CASES = ["dont_port", "port", "inconclusive", "meets", "nothing", "hostile", "huge"]
MOST_BYTES = 1_500_000
BUCKETS = ["interpreter", "compute", "io", "marshalling", "gil_wait", "lock_wait", "device_wait",
           "gc", "idle", "unknown"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("reports")
    subprocess.run([SAMPLE, made], check=True)
    return made


def no_constants(name):
    raise ValueError(f"{name} is no JSON")


def load(folder, case):
    text = (folder / f"{case}.json").read_bytes().decode("utf-8")
    return json.loads(text, parse_constant=no_constants)


def schema():
    return json.loads((ROOT / "docs/assess-report.schema.json").read_text(encoding="utf-8"))


def strict(part):
    """The same schema, where nothing that it does not name may stand: for our own reports."""
    if isinstance(part, dict):
        for value in part.values():
            strict(value)
        if "properties" in part and part.get("type") == "object":
            part["additionalProperties"] = False
    return part


# ---- JSON ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_json_is_as_the_schema_says(folder, case):
    ours = strict(schema())
    jsonschema.Draft202012Validator.check_schema(ours)
    errors = list(jsonschema.Draft202012Validator(ours).iter_errors(load(folder, case)))
    assert not errors, [f"{e.json_path}: {e.message[:200]}" for e in errors[:5]]


def paths(value, at=()):
    """Every place of a report, the first of each list alone."""
    if isinstance(value, dict):
        for key in value:
            yield at + (key,)
            yield from paths(value[key], at + (key,))
    elif isinstance(value, list) and value:
        yield from paths(value[0], at + (0,))


def test_the_schema_misses_each_field_and_each_wrong_type(folder):
    """A schema that lets everything pass would prove nothing."""
    report = load(folder, "dont_port")
    report["functions"] = report["functions"][:1]
    report["sweep"]["runs"] = report["sweep"]["runs"][:1]
    report["load"]["over_time"] = report["load"]["over_time"][:1]
    validator = jsonschema.Draft202012Validator(schema())
    assert validator.is_valid(report)
    for path in paths(report):
        changed = copy.deepcopy(report)
        parent = changed
        for key in path[:-1]:
            parent = parent[key]
        parent[path[-1]] = {"of": "no such type"}
        assert not validator.is_valid(changed), path
        del parent[path[-1]]
        assert not validator.is_valid(changed), path


def test_every_field_is_described():
    def walk(part, at):
        if not isinstance(part, dict):
            return
        for name, field in part.get("properties", {}).items():
            described = "description" in field or "$ref" in field
            assert described, f"{at}/{name}"
            walk(field, f"{at}/{name}")

    whole = schema()
    for name, part in whole["$defs"].items():
        assert part["description"], name
        walk(part, name)
    walk(whole, "")


@pytest.mark.parametrize("case", CASES)
def test_buckets_are_shares(folder, case):
    buckets = load(folder, case)["buckets"]
    if case == "nothing":
        assert buckets is None
        return
    assert list(buckets) == BUCKETS
    assert sum(buckets.values()) == pytest.approx(1)


def test_what_is_not_finite_is_null(folder):
    report = load(folder, "inconclusive")
    assert report["findings"][0]["measured"] == {"low": 0.031, "value": None, "high": None}
    assert load(folder, "dont_port")["ceilings"][2]["latency"]["value"] is None
    assert load(folder, "port")["ceilings"][2]["factor"] is None


def test_text_that_is_no_utf8_is_replaced(folder):
    sentence = load(folder, "hostile")["verdict"]["sentence"]
    assert "\ufffd\ufffd\ufffd(" in sentence and "</script>" in sentence and "\x1b[31m" in sentence


# ---- HTML ----------------------------------------------------------------------------------------

VOID = {"meta", "img", "br", "link", "input", "hr"}
# What the report is made of; nothing that fetches, runs or sends.
KNOWN = set("""html head meta title style body svg defs pattern rect path line circle text header p b
time h1 h2 h3 code pre dl dt dd div span nav a main section article table caption thead tbody tr th td
ul ol li details summary footer""".split())


class Checker(HTMLParser):
    """Tags that nest, known elements, headings in order; collects texts and ids."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.stack, self.levels, self.ids, self.links, self.text, self.problems = \
            [], [], set(), [], [], []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag not in KNOWN:
            self.problems.append(f"element {tag}")
        self.problems += [f"attribute {name}" for name in attrs
                          if name.startswith("on") or name in ("src", "style", "srcset")]
        if "id" in attrs:
            if attrs["id"] in self.ids:
                self.problems.append(f"id {attrs['id']} twice")
            self.ids.add(attrs["id"])
        if tag == "a":
            self.links.append(attrs["href"])
        if attrs.get("role") == "img" and not attrs.get("aria-label"):
            self.problems.append("a picture without words")
        if re.fullmatch("h[1-6]", tag):
            level = int(tag[1])
            if level > (self.levels[-1] if self.levels else 0) + 1:
                self.problems.append(f"{tag} after {self.levels[-1:]}")
            self.levels.append(level)
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        if not self.stack or self.stack.pop() != tag:
            self.problems.append(f"</{tag}> closes something else")

    def handle_data(self, data):
        if self.stack and self.stack[-1] != "style":
            self.text.append(data)


def check(folder, case):
    raw = (folder / f"{case}.html").read_bytes()
    checker = Checker()
    checker.feed(raw.decode("utf-8"))
    checker.close()
    return raw, checker


@pytest.mark.parametrize("case", CASES)
def test_html_is_well_formed(folder, case):
    raw, checker = check(folder, case)
    assert checker.problems == []
    assert checker.stack == []
    assert checker.levels.count(1) == 1
    assert all(link.startswith("#") and link[1:] in checker.ids for link in checker.links)
    assert len(raw) < MOST_BYTES
    assert not re.search(rb"[\x00-\x08\x0b-\x1f\x7f]", raw)
    assert b"NaN" not in raw and b"nan%" not in raw and b"inf%" not in raw


@pytest.mark.parametrize("case", ["dont_port", "port", "inconclusive", "meets"])
def test_the_page_says_what_the_json_says(folder, case):
    report, (_, checker) = load(folder, case), check(folder, case)
    text = re.sub(r"\s+", " ", "".join(checker.text))
    said = [report["verdict"][key] for key in ("sentence", "intervention", "noise", "remains")]
    said += [f["words"] for f in report["findings"]]
    said += [row[key] for row in report["rows"] + report["rubric"] + report["helps"]
             for key in ("dominant", "port_pays", "why")]
    said += [c["basis"] for c in report["ceilings"]] + report["checklist"]
    said += [p[key] for p in report["places"] for key in ("name", "latency", "remark")]
    said += [report["account"]["words"], report["command"], report["repeat"]]
    said += report["environment"]["lines"] + report["profile"]["notes"]
    said += [s["name"] for s in report["stages"]] + [w["owner"] for w in report["workers"]]
    missing = [words for words in said if re.sub(r"\s+", " ", words) not in text]
    assert not missing
    assert ("Partial:" in text) == bool(report["partial"])


def test_hostile_text_is_text(folder):
    raw, checker = check(folder, "hostile")
    text = "".join(checker.text)
    assert r"</script></title></style><img src=x onerror=alert(1)>" in text
    assert r"\x01\x1B[31m" in text and r"\u202E" in text and "\ufffd" in text
    assert b"<img" not in raw and b"<script" not in raw


def test_missing_parts_say_so(folder):
    _, checker = check(folder, "nothing")
    text = "".join(checker.text)
    for why in ("there is no profile", "no requests were sent", "no sweep"):
        assert f"not measured: {why}" in text, why


# ---- text ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_text_fits_a_terminal(folder, case):
    raw = (folder / f"{case}.txt").read_bytes()
    text = raw.decode("utf-8")
    assert max(map(len, text.split("\n"))) <= 100
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", raw)
    outcome = {"dont_port": "Don't port", "port": "Port", "meets_target": "Meets the target",
               "inconclusive": "Inconclusive"}[load(folder, case)["verdict"]["outcome"]]
    assert text.startswith(outcome)
