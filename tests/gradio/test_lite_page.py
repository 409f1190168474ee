"""Pages with <gradio-lite>: what is read out of them, what is refused, and what is written."""

import json
import os
import re
import subprocess
import sys

import pytest
from conftest import ROOT

sys.path.insert(0, os.path.join(ROOT, "tools"))

from ashore_tools.errors import ToolError  # noqa: E402
from ashore_tools.lite.document import Document  # noqa: E402
from ashore_tools.lite.programs import Reader, local_place  # noqa: E402
from ashore_tools.lite.resources import Resources  # noqa: E402
from ashore_tools.lite.rewrite import Rewriter, hashed  # noqa: E402
from ashore_tools.lite.styles import rewritten  # noqa: E402
from ashore_tools.lite.tokens import Unfinished, tokens, value_of  # noqa: E402


def read(text, folder="."):
    """(document, programs, notes) of a page."""
    document = Document(text if isinstance(text, bytes) else text.encode(), "page.html")
    reader = Reader(document, str(folder))
    return document, reader.programs(), reader.notes


def program(text, folder="."):
    """{name: text} of the only program of a page without problems."""
    document, programs, _ = read(text, folder)
    assert document.problems == []
    return {name: file.data.decode() for name, file in programs[0].files.items()}


# ---- tags ------------------------------------------------------------------------------------------

@pytest.mark.parametrize("text, wanted", [
    ("a<b c=1>d</b>", "text start:b text end:b"),
    ("a < b <3 <", "text"),
    ("a<!-- <b> --><i>", "text comment start:i"),
    ("<!--><i>", "comment start:i"),
    ("<!--->x", "comment text"),
    ("<!-- a --!>x", "comment text"),
    ("<?xml version='1.0'?><!DOCTYPE html>", "comment doctype"),
    ("</ a><b></>x", "comment start:b comment text"),
    ("<script>if (a<b) '</b>'</script>x", "start:script text end:script text"),
    ("<script><!-- <script></script> --></script>x", "start:script text end:script text"),
    ("<script><!-- </script>x", "start:script text end:script text"),
    ("<STYLE>a</styles></Style >x", "start:style text end:style text"),
    ("<textarea><b></textarea>", "start:textarea text end:textarea"),
    ("<noscript><gradio-lite></noscript>", "start:noscript text end:noscript"),
    ("<plaintext><b></plaintext>", "start:plaintext text"),
    ("<a/b/c=d/>x", "start:a text"),
    ("<a href='>'>x", "start:a text"),
    ("<é><ſcript>x", "text"),
])
def test_tokens(text, wanted):
    found = " ".join(t.kind + (f":{t.name}" if t.name else "") for t in tokens(text))
    assert found == wanted


def test_attributes_are_read_as_browsers_do():
    (tag,) = tokens("<A B=1 c='2 &amp; &lt;' d=\"x&copy=1&copy;&notit;\" b=9 e / f= g h=a/b =i>")
    assert {key: one.value for key, one in tag.attributes.items()} == {
        "b": "1", "c": "2 & <", "d": "x&copy=1©&notit;", "e": "", "f": "g", "h": "a/b", "=i": ""}
    assert value_of("&#65;&#x42&lt") == "AB<"


@pytest.mark.parametrize("text, what", [
    ("a<!-- b", "a comment"), ("<b c='", "a tag"), ("<b", "a tag"), ("<script>x", "<script>"),
    ("<title>x", "<title>"), ("<!doctype", "a comment")])
def test_a_page_that_ends_inside_of_something_is_refused(text, what):
    with pytest.raises(Unfinished) as ended:
        list(tokens("\n" + text))
    assert ended.value.what == what
    with pytest.raises(ToolError) as refused:
        Document(("\n" + text).encode(), "page.html")
    assert f"page.html:2: the page ends inside of {what}" in str(refused.value)


@pytest.mark.parametrize("piece", [
    "<", "<b>", "</b>", "<b c=d>", "<!-- x -->", "<!--", "<a ", "<a b='", "&amp", "&", "\0",
    "<script><!--<script>", "<gradio-lite>", "<gradio-lite><b>", "<gradio-lite></b>",
    "<gradio-lite><gradio-file name=a>", "<gradio-lite></gradio-lite>", "<template>",
    "<gradio-lite><gradio-code>\n x = 1\n</gradio-code></gradio-lite>"])
def test_pages_of_one_thing_over_and_over_are_read_or_refused(piece):
    """Each of them once took time with the square of its length in some reader of HTML."""
    try:
        document, programs, _ = read(piece * 20000)
    except ToolError as error:
        assert "the page ends inside of" in str(error)
    else:
        assert document.problems or programs or "gradio" not in piece


# ---- programs --------------------------------------------------------------------------------------

PROGRAMS = {
    "text": ("<gradio-lite>\n  import gradio\n    x\n</gradio-lite>",
             {"app.py": "import gradio\n  x\n"}),
    "on one line": ("<gradio-lite>x = 1</gradio-lite>", {"app.py": "x = 1\n"}),
    "code": ("<gradio-lite> ignored <gradio-code>\n\tx = 1\n\tif x:\n\t\ty\n</gradio-code></gradio-lite>",
             {"app.py": "x = 1\nif x:\n\ty\n"}),
    "no dedent where one line has none": (
        "<gradio-lite><gradio-code>x = 1\n  y = 2</gradio-code></gradio-lite>",
        {"app.py": "x = 1\n  y = 2\n"}),
    "entities": ("<gradio-lite>x = 1 &lt; 2 &amp;&amp; &quot;&eacute;&#233;&hellip;&lt&quot;</gradio-lite>",
                 {"app.py": "x = 1 < 2 && \"éé…<\"\n"}),
    "a sign that is no tag": ("<gradio-lite>x = 1 < 2 <= 3</gradio-lite>",
                              {"app.py": "x = 1 < 2 <= 3\n"}),
    "comments are none of the text": ("<gradio-lite>a<!-- b -->c</gradio-lite>", {"app.py": "ac\n"}),
    "NUL is left out": ("<gradio-lite>a\0b</gradio-lite>", {"app.py": "ab\n"}),
    "line ends": ("<gradio-lite>\r\n  a\r\n  b\r  c</gradio-lite>", {"app.py": "a\nb\nc\n"}),
    "files": ("<gradio-lite><gradio-file name=app.py entrypoint>\n  a\n</gradio-file>"
              "<gradio-file name='d/e.py'> b</gradio-file><gradio-file name=t.txt>\n  c\n</gradio-file>"
              "</gradio-lite>", {"app.py": "a\n", "d/e.py": "b\n", "t.txt": "\n  c\n"}),
    "an entry in a folder": ("<gradio-lite><gradio-file name='s/run.py' entrypoint>a</gradio-file>"
                             "</gradio-lite>", {"s/run.py": "a\n"}),
    "code beside files": ("<gradio-lite><gradio-file name=app.py>a</gradio-file><gradio-code>b"
                          "</gradio-code></gradio-lite>", {"app.py": "a\n", "main.py": "b\n"}),
    "a data address": ("<gradio-lite><gradio-code>a</gradio-code><gradio-file name=b url='data:,x%20y'>"
                       "</gradio-file><gradio-file name=c url='data:text/plain;base64,eno='>"
                       "</gradio-file></gradio-lite>", {"b": "x y", "c": "zz", "app.py": "a\n"}),
    "files that are closed like XML": (
        "<gradio-lite><gradio-file name=b url='data:,1'/><gradio-file name=c url='data:,2' />"
        "<gradio-file name=a.py entrypoint>x</gradio-file></gradio-lite>",
        {"b": "1", "c": "2", "a.py": "x\n"}),
    "upper case": ("<GRADIO-LITE><Gradio-File NAME=a.py ENTRYPOINT>x</GRADIO-FILE></Gradio-Lite>",
                   {"a.py": "x\n"}),
    "a file that is wrapped": ("<gradio-lite><div><gradio-file name=a.py entrypoint>x</gradio-file></div>"
                               "</gradio-lite>", {"a.py": "x\n"}),
    "tags in a text, which lacks them": (
        "<gradio-lite><gradio-code>h('<b>x</b><br>y')</gradio-code></gradio-lite>",
        {"app.py": "h('xy')\n"}),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name):
    text, wanted = PROGRAMS[name]
    assert program(text) == wanted


def test_tags_in_a_text_are_said():
    _, _, notes = read("<gradio-lite>\n<gradio-code>\nh('<b>')</gradio-code></gradio-lite>")
    assert notes == ["page.html:3: browsers take <b> for a tag, and the program is without it; write "
                     "'<' as &lt; where it is to have it"]


def test_several_elements_are_several_programs():
    _, programs, _ = read("<gradio-lite>a</gradio-lite><!-- <gradio-lite>no</gradio-lite> -->"
                          "<template><gradio-lite>no</gradio-lite></template>"
                          "<textarea><gradio-lite>no</gradio-lite></textarea><gradio-lite>b</gradio-lite>")
    assert [one.files["app.py"].data for one in programs] == [b"a\n", b"b\n"]


def test_lines_are_those_of_the_page():
    _, (one,), _ = read("<p>\n\n<gradio-lite>\n\n  a\n   b&#10;  c\n  <!--\n-->d\n</gradio-lite>")
    source = one.files["app.py"].source
    assert list(zip(source.text.split("\n"), source.lines)) == [
        ("a", 5), (" b", 6), ("c", 6), ("d", 7)]


def test_files_come_from_beside_the_page(tmp_path):
    (tmp_path / "a b").mkdir()
    (tmp_path / "a b" / "c.bin").write_bytes(b"\0\xff")
    document, (one,), _ = read("<gradio-lite><gradio-file name=x.bin url='./a%20b/c.bin?v=1#z'>"
                               "</gradio-file>x</gradio-lite>", tmp_path)
    assert document.problems == [] and one.files["x.bin"].data == b"\0\xff"


@pytest.mark.parametrize("address, why", [
    ("https://example.org/a", "is on another host"), ("//example.org/a", "is on another host"),
    ("file:///etc/passwd", "is on another host"), ("/etc/passwd", "from the root of a server"),
    ("../out.txt", "outside"), ("%2e%2e/out.txt", "outside"), ("link.txt", "outside"),
    ("in/../../out.txt", "outside"), ("gone.txt", "is not there"), ("in", "is not there"),
    ("a%00b", "names no file"), ("", "names no file"), ("?x", "names no file")])
def test_addresses_that_are_refused(tmp_path, address, why):
    (tmp_path / "page" / "in").mkdir(parents=True)
    (tmp_path / "out.txt").write_text("secret")
    os.symlink(tmp_path / "out.txt", tmp_path / "page" / "link.txt")
    place, found = local_place(address, str(tmp_path / "page"))
    assert place is None and why in found


@pytest.mark.parametrize("text, line, what", [
    ("<gradio-lite>\nx", 1, "is not closed"),
    ("<gradio-lite>\nx\n</body>", 1, "is not closed"),
    ("<gradio-lite>\n<gradio-lite></gradio-lite></gradio-lite>", 2, "is inside of another"),
    ("\n<gradio-file name=a></gradio-file>", 2, "is in no <gradio-lite>"),
    ("<gradio-lite>\n<gradio-file name=a.py entrypoint>\n<gradio-file name=b.py>x</gradio-file>"
     "</gradio-lite>", 3, "is inside of <gradio-file>"),
    ("<gradio-lite></gradio-lite>", 1, "has no program"),
    ("<gradio-lite><gradio-code> \n </gradio-code></gradio-lite>", 1, "has no program"),
    ("<gradio-lite><gradio-file name=a.py>x</gradio-file></gradio-lite>", 1, "has no program"),
    ("<gradio-lite>h('<b>x</b>')</gradio-lite>", 1, "without what is in it"),
    ("<p>a<gradio-lite>\n<gradio-code>h('<div>x</div>')</gradio-code></gradio-lite>", 2,
     "<div> ends the <p> in line 1, and <gradio-lite> with it"),
    ("<gradio-lite>x\n</div></gradio-lite>", 2, "a tag that ends something else"),
    ("<gradio-lite><gradio-code>a<table></table></gradio-code></gradio-lite>", 1, "take <table>"),
    ("<gradio-lite><gradio-code>a<script></script></gradio-code></gradio-lite>", 1, "take <script>"),
    ("<gradio-lite>x<gradio-file>y</gradio-file></gradio-lite>", 1, "has no name"),
    ("<gradio-lite>x<gradio-file name=' '>y</gradio-file></gradio-lite>", 1, "has no name"),
    ("<gradio-lite>x<gradio-file name='/a'>y</gradio-file></gradio-lite>", 1, "no path below"),
    ("<gradio-lite>x<gradio-file name='C:a'>y</gradio-file></gradio-lite>", 1, "no path below"),
    ("<gradio-lite>x<gradio-file name='a\\b'>y</gradio-file></gradio-lite>", 1, "no path below"),
    ("<gradio-lite>x<gradio-file name='../a'>y</gradio-file></gradio-lite>", 1, "'..'"),
    ("<gradio-lite>x<gradio-file name='a/../b'>y</gradio-file></gradio-lite>", 1, "'..'"),
    ("<gradio-lite>x<gradio-file name='a//b'>y</gradio-file></gradio-lite>", 1, "an empty part"),
    ("<gradio-lite>x<gradio-file name='a\0b'>y</gradio-file></gradio-lite>", 1, "a name with"),
    ("<gradio-lite>x<gradio-file name='a&#10;b'>y</gradio-file></gradio-lite>", 1, "cannot be printed"),
    (f"<gradio-lite>x<gradio-file name='{'a' * 300}'>y</gradio-file></gradio-lite>", 1, "255 bytes"),
    ("<gradio-lite>x<gradio-file name=a>y</gradio-file>\n<gradio-file name=a>z</gradio-file>"
     "</gradio-lite>", 2, "is taken by the file in line 1"),
    ("<gradio-lite>x<gradio-file name=a/b>y</gradio-file>\n<gradio-file name=a>z</gradio-file>"
     "</gradio-lite>", 2, "is taken by the file in line 1"),
    ("<gradio-lite><gradio-file name=a.py entrypoint>y</gradio-file>\n"
     "<gradio-file name=b.py entrypoint>z</gradio-file></gradio-lite>", 2, "two files"),
    ("<gradio-lite><gradio-code>a</gradio-code>\n<gradio-code>b</gradio-code></gradio-lite>", 2,
     "a second <gradio-code>"),
    ("<gradio-lite>a<gradio-requirements></gradio-requirements>\n<gradio-requirements>"
     "</gradio-requirements></gradio-lite>", 2, "a second <gradio-requirements>"),
    ("<gradio-lite>a<gradio-file name=b url='data:;base64,!'></gradio-file></gradio-lite>", 1,
     "no base64"),
    ("<gradio-lite>" + "<b>" * 600 + "</gradio-lite>", 1, "inside of each other"),
])
def test_what_is_refused_is_said_with_its_line(text, line, what):
    document, _, _ = read(text)
    said = [(problem.line, problem.message) for problem in document.problems]
    assert any(at == line and what in message for at, message in said), said
    assert all(problem.advice for problem in document.problems)


@pytest.mark.parametrize("data, text", [
    ("é".encode(), "é"), (b"\xef\xbb\xbf" + "é".encode(), "é"),
    (b"\xff\xfe" + "é".encode("utf-16-le"), "é"),
    (b"<meta charset=iso-8859-1>\xe9", "<meta charset=iso-8859-1>é"),
    (b"<meta http-equiv=content-type content='text/html; charset=windows-1252'>\x85", None)])
def test_charsets(data, text):
    found = Document(data, "page.html").text
    assert found == text or text is None and found.endswith("…")


@pytest.mark.parametrize("data, what", [
    (b"\n\xe9", "page.html:2: is no utf-8"), (b"<meta charset=klingon>", "its charset is klingon"),
    (b" " * (33 << 20), "too much for a page")])
def test_pages_that_cannot_be_read(data, what):
    with pytest.raises(ToolError) as refused:
        Document(data, "page.html")
    assert what in str(refused.value)


# ---- what the page asks for ------------------------------------------------------------------------

def resources(text, folder="."):
    document = Document(text.encode(), "page.html")
    return document, Resources(document, str(folder))


@pytest.mark.parametrize("tag", [
    '<script type="module" crossorigin src="https://cdn.jsdelivr.net/npm/@gradio/lite/dist/lite.js">'
    "</script>", '<link rel="stylesheet" href="https://unpkg.com/@gradio/lite@4.36.1/dist/lite.css"/>',
    '<script src="./dist/lite.js" type=module></script>', "<script src=lite.js></script>",
    "<script type=module>import 'https://cdn.jsdelivr.net/npm/@gradio/lite/dist/lite.js';</script>",
    '<script src="https://gradio-lite-previews.s3.amazonaws.com/ab/dist/lite.js"></script>',
    '<link rel="preconnect" href="https://fonts.googleapis.com">',
    "<link rel=manifest href=app.webmanifest>",
    "<meta http-equiv='Content-Security-Policy' content=\"script-src 'none'\">"])
def test_tags_that_are_left_out_are_named(tag):
    document, found = resources(f"<p>\n{tag}</p>")
    assert document.problems == [] and len(found.removed) == 1
    assert len(found.notes) == 1 and found.notes[0].startswith("page.html:2: <")


@pytest.mark.parametrize("tag, what", [
    ("<script src=https://cdn.tailwindcss.com></script>", "is on another host"),
    ("<link rel=stylesheet href=//fonts.example/x.css>", "is on another host"),
    ("<img src=https://example.org/x.png>", "is on another host"),
    ("<img src=gone.png>", "is not there"), ("<video poster=gone.png></video>", "is not there"),
    ("<img srcset='data:,x 1x, gone.png 2x'>", "is not there"),
    ("<style>b { background: url(https://e.org/x.png) }</style>", "a style sheet asks for"),
    ("<style>@import 'https://e.org/x.css';</style>", "a style sheet asks for"),
    ("<p style='background: url(gone.png)'>", "a style sheet asks for"),
    ("<p onclick='f()'>", "onclick="), ("<a href=' JavaScript:f()'>", "a script in an address"),
    ("<iframe src=x.html></iframe>", "<iframe>"), ("<object data=x.swf>", "<object>"),
    ("<base href=/x/>", "<base>"),
    ("<script>createGradioApp({code: 'x'})</script>", "starts Gradio-Lite by itself")])
def test_what_the_page_would_lack_is_said(tag, what):
    document, _ = resources(f"<p>\n{tag}")
    assert [(p.line, p.soft) for p in document.problems] == [(2, True)]
    assert what in document.problems[0].message


def test_files_of_the_page(tmp_path):
    for name in ("a.png", "b.png", "c.png", "s.js"):
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "css").mkdir()
    (tmp_path / "css" / "x.css").write_text("@import 'y.css'; b { background: url( '../b.png' ) }")
    (tmp_path / "css" / "y.css").write_text("i { background: URL(../c.png) } /* url(gone) */")
    document, found = resources("<link rel=stylesheet href=css/x.css><img src='a.png?1'>"
                                "<script src=s.js></script><a href=gone.html>", tmp_path)
    assert document.problems == []
    assert set(found.files) == {"css/x.css", "css/y.css", "a.png", "b.png", "c.png", "s.js"}


@pytest.mark.parametrize("name", ["index.html", "app.json", "page/x.png", "python/x.png"])
def test_names_that_the_folder_has_itself(tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("x")
    document, _ = resources(f"<img src={name}>", tmp_path)
    assert "has itself" in document.problems[0].message


def test_addresses_in_style_sheets():
    css = "/* url(a) */ b { x: url(c) } @import 'd'; @import url(\"e\") print; f: url( 'g' )"
    seen = []
    text = rewritten(css, lambda asked: seen.append((asked.address, asked.sheet)) or "N")
    assert seen == [("c", False), ("d", True), ("e", True), ("g", False)]
    assert text == ('/* url(a) */ b { x: url("N") } @import url("N"); @import url("N") print; '
                    'f: url("N")')


# ---- what is written -------------------------------------------------------------------------------

def written(text, folder=".", inside=False):
    document, programs, _ = read(text, folder)
    found = Resources(document, str(folder))
    rewriter = Rewriter(document, found, programs, inside)
    page = rewriter.page({"default-src": "'self'"}, "<!--END-->")
    assert document.problems == []
    return page, rewriter


def test_the_page_keeps_what_is_not_the_programs():
    text = ("<!doctype html>\n<html lang=de><HEAD><meta charset=utf-8><title>t &amp; u</title>"
            "<script src=lite.js></script></head>\n<body class=x>\n<p>before &rarr;<br>"
            "<gradio-lite theme=dark class='a b'>x</gradio-lite>\n<p>after<svg/></body></html>\n")
    page, _ = written(text)
    kept = page.replace('<gradio-lite data-program="1" theme=dark class=\'a b\'></gradio-lite>', "@")
    kept = re.sub(r'<HEAD>.*?-->\n', "<HEAD>", kept, flags=re.DOTALL)
    assert kept == ("<!doctype html>\n<html lang=de><HEAD><title>t &amp; u</title></head>\n"
                    "<body class=x>\n<p>before &rarr;<br>@\n<p>after<svg/><!--END-->\n</body></html>\n")


@pytest.mark.parametrize("text", [
    "<gradio-lite>x</gradio-lite>", "<p>a<gradio-lite>x</gradio-lite>",
    "<!-- c -->\n<!doctype html>\n<title>t</title><gradio-lite>x</gradio-lite>",
    "<html><body><gradio-lite>x</gradio-lite>", "<head></head><gradio-lite>x</gradio-lite>",
    "<!--" + "c" * 3000 + "--><gradio-lite>x</gradio-lite>"])
def test_the_policy_comes_before_all_that_it_is_about(text):
    page, _ = written(text)
    assert page.count("Content-Security-Policy") == 1
    assert page.index("Content-Security-Policy") < page.index("<gradio-lite")
    assert "written by 'ashore app'" in page[:2000]
    assert page.index('<meta charset="utf-8">') < 1024 or page.startswith("\ufeff")
    assert page.rstrip().endswith("<!--END-->")
    doctype = page.find("<!doctype")
    assert doctype < 0 or doctype < page.index("<meta")


def test_one_file_holds_what_the_page_asks_for(tmp_path):
    (tmp_path / "a.png").write_bytes(b"png")
    (tmp_path / "x.css").write_text("b { background: url(a.png) }")
    (tmp_path / "s.js").write_text("f(1 && 2)")
    (tmp_path / "late.js").write_text("g()")
    page, rewriter = written(
        "<head><link rel=stylesheet media=print href=x.css><script src=s.js></script>"
        "<script defer src=late.js></script></head><body><img src=a.png srcset='a.png 2x' alt=d>"
        "<style>i { background: url(a.png) }</style><p style='background: url(a.png)'>"
        "<script>h()</script><gradio-lite>x</gradio-lite></body>", tmp_path, True)
    data = "data:image/png;base64,cG5n"
    sheet = f'b {{ background: url("{data}") }}'
    assert f'<style media="print">{sheet}</style><script>f(1 && 2)</script></head>' in page
    assert f'<img src="{data}"  alt=d>' in page
    assert f'<p style="background: url(&quot;{data}&quot;)">' in page
    assert page.endswith("<script>g()</script>\n<!--END-->\n</body>")
    assert set(rewriter.scripts) == {hashed("h()"), hashed("f(1 && 2)"), hashed("g()")}
    assert rewriter.sheets == [hashed(f'i {{ background: url("{data}") }}'), "'unsafe-hashes'",
                               hashed(f'background: url("{data}")'), hashed(sheet)]


@pytest.mark.parametrize("name, text, tag, what", [
    ("s.js", "'</script>'", "<script src=s.js></script>", "has a tag in it"),
    ("s.js", "import './t.js'", "<script type=module src=s.js></script>", "imports others"),
    ("s.css", "@import 't.css';", "<link rel=stylesheet href=s.css>", "imports t.css")])
def test_what_cannot_be_put_into_one_file(tmp_path, name, text, tag, what):
    (tmp_path / name).write_text(text)
    (tmp_path / "t.css").write_text("")
    document, programs, _ = read(f"<gradio-lite>x</gradio-lite>\n{tag}", tmp_path)
    Rewriter(document, Resources(document, str(tmp_path)), programs, True)
    assert [(p.line, p.soft) for p in document.problems] == [(2, False)]
    assert what in document.problems[0].message


# ---- the command -----------------------------------------------------------------------------------

def app(folder, text, *options):
    (folder / "page.html").write_text(text)
    done = subprocess.run([sys.executable, "-I", "-B", os.path.join(ROOT, "tools/ashore_tools/start.py"),
                           "app", "page.html", *options], cwd=folder, capture_output=True, text=True,
                          env={**os.environ, "ASHORE_JS": os.environ.get(
                              "ASHORE_JS", os.path.join(ROOT, "build/js"))})
    return done.returncode, done.stderr


@pytest.mark.parametrize("text, options, code, wanted", [
    ("<p>x", ["-o", "out"], 3, "page.html has no <gradio-lite>"),
    ("<gradio-lite>x</gradio-lite>", ["-o", "out", "--title", "t"], 2, "--title is for programs"),
    ("<gradio-lite>x</gradio-lite>", ["-o", "out", "--include", "x"], 2, "--include is for programs"),
    ("<gradio-lite>x</gradio-lite>", ["--one-file", "page.html"], 2, "page.html is there and is not of"),
    ("<!-- written by 'ashore app' -->", ["-o", "out"], 3, "was written by 'ashore app'"),
    ("<gradio-lite>\n\n  def f(:\n</gradio-lite>", ["-o", "out"], 3, "page.html:3:9: invalid syntax"),
    ("<gradio-lite>\nimport gradio as gr\ngr.Video()\n</gradio-lite>", ["-o", "out"], 5,
     "page.html:3: gr.Video is not supported; use"),
    ("<gradio-lite>\n<gradio-requirements>\nnumpy\n</gradio-requirements>\n<gradio-code>\nimport numpy\n"
     "</gradio-code></gradio-lite>", ["-o", "out"], 5, "page.html:6: numpy"),
    ("<gradio-lite>x</gradio-lite>\n<img src=gone.png>", ["-o", "out"], 5,
     "page.html:2: <img> asks for gone.png, which is not there"),
    ("<gradio-lite>x", ["-o", "out"], 3, "page.html:1: <gradio-lite> is not closed"),
    ("<gradio-lite>\nimport onnxruntime\nonnxruntime.InferenceSession('m.onnx')</gradio-lite>",
     ["-o", "out"], 3, "page.html:3: the model m.onnx is missing")])
def test_what_the_command_refuses(tmp_path, text, options, code, wanted):
    found, said = app(tmp_path, text, *options)
    assert (found, wanted in said) == (code, True), said
    assert not (tmp_path / "out").exists()


def test_the_same_page_gives_the_same_bytes(tmp_path):
    text = "<p>a<gradio-lite>\nimport gradio\n</gradio-lite><gradio-lite>y = 1</gradio-lite>"
    made = []
    for name in ("one", "two"):
        assert app(tmp_path, text, "-o", name)[0] == 0
        files = json.loads((tmp_path / name / "manifest.json").read_text())["files"]
        made.append({row["path"]: row["sha256"] for row in files})
    assert made[0] == made[1]
    assert {"index.html", "python/app-1.zip", "python/app-2.zip", "_headers"} <= set(made[0])
    assert not any(path.endswith(("/main.js", "/app.css")) for path in made[0])
