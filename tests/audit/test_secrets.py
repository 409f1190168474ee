"""Keys of known formats are found, examples and hashes are not, and no report shows a whole one."""

import json
import string

import pytest

from conftest import rules, write

from ashore_tools.audit import Audit, Options, secrets

LETTERS = string.ascii_letters + string.digits


def made(alphabet, count, seed=7):
    """Characters that look drawn at random, the same at each run."""
    found, state = "", seed
    for _ in range(count):
        state = (state * 1103515245 + 12345) % (1 << 31)
        found += alphabet[(state >> 16) % len(alphabet)]
    return found


HEX = "0123456789abcdef"
UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
# Assembled here, so that no file of this project looks as if it held one.
KEYS = {
    "AWS": "AK" + "IA" + made(UPPER, 16), "OpenAI": "sk" + "-proj-" + made(LETTERS, 48),
    "OpenAI, old": "sk" + "-" + made(LETTERS, 48),
    "Anthropic": "sk" + "-ant-api03-" + made(LETTERS, 90),
    "OpenRouter": "sk" + "-or-v1-" + made(HEX, 64), "Hugging Face": "hf" + "_" + made(LETTERS, 34),
    "GitHub": "gh" + "p_" + made(LETTERS, 36),
    "GitHub, fine": "github" + "_pat_" + made(LETTERS, 70),
    "GitLab": "gl" + "pat-" + made(LETTERS, 20), "Google": "AI" + "za" + made(LETTERS, 35),
    "Google OAuth": "GOCSPX" + "-" + made(LETTERS, 28),
    "Slack": "xo" + "xb-" + made("0123456789", 12) + "-" + made(LETTERS, 24),
    "Slack hook": "https://hooks.slack" + ".com/services/T0ABCDE/B0ABCDE/" + made(LETTERS, 24),
    "Discord hook": "https://discord" + ".com/api/webhooks/" + made("0123456789", 18) + "/"
                    + made(LETTERS, 68),
    "Telegram": "71" + made("0123456789", 8) + ":" + "AA" + made(LETTERS, 33),
    "Stripe": "sk" + "_live_" + made(LETTERS, 24), "Twilio": "S" + "K" + made(HEX, 32),
    "SendGrid": "S" + "G." + made(LETTERS, 22) + "." + made(LETTERS, 43),
    "Mailgun": "key" + "-" + made(HEX, 32), "Mailchimp": made(HEX, 32) + "-us12",
    "PyPI": "pypi" + "-" + made(LETTERS, 80), "npm": "npm" + "_" + made(LETTERS, 36),
    "Docker": "dckr" + "_pat_" + made(LETTERS, 27), "Replicate": "r8" + "_" + made(LETTERS, 37),
    "Groq": "gsk" + "_" + made(LETTERS, 52), "xAI": "xai" + "-" + made(LETTERS, 80),
    "Perplexity": "pplx" + "-" + made(LETTERS, 48),
    "LangSmith": "lsv2" + "_pt_" + made(HEX, 32) + "_" + made(HEX, 10),
    "Databricks": "dapi" + made(HEX, 32), "DigitalOcean": "dop" + "_v1_" + made(HEX, 64),
    "Vault": "hvs" + "." + made(LETTERS, 90), "Shopify": "shp" + "at_" + made(HEX, 32),
    "Notion": "ntn" + "_" + made(LETTERS, 46), "Linear": "lin" + "_api_" + made(LETTERS, 40),
    "Grafana": "gl" + "sa_" + made(LETTERS, 32) + "_" + made(HEX, 8),
    "Supabase": "sb" + "p_" + made(HEX, 40),
    "private key": "-----BEGIN OPENSSH " + "PRIVATE KEY-----",
    "JWT": "ey" + "J" + made(LETTERS, 30) + ".ey" + "J" + made(LETTERS, 60) + "."
           + made(LETTERS, 43),
    "address": "postgresql+psycopg://svc:" + made(LETTERS, 16) + "@db.prod.corp.net:5432/x",
    "Azure": "Account" + "Key=" + made(LETTERS, 86) + "==",
}
CARRIERS = {
    "app.py": "client = Client('{}')\n", ".env": "SOME_NAME={}\n", ".env.example": "A={}\n",
    "config.yaml": "a:\n  b: {}  # comment\n", "notes.md": "use `{}` there\n",
    "id_rsa": "{}\n", "settings.ts": "export const a = `{}`;\n", "run.log": "GET /?k={}\n",
}


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("name", KEYS)
def test_known_formats(name, carrier):
    found = list(secrets.find(CARRIERS[carrier].format(KEYS[name]), carrier))
    assert len(found) == 1 and found[0].certain, found
    assert KEYS[name][:20] not in found[0].shown


def test_in_json_and_notebooks():
    for name, key in KEYS.items():
        cell = {"cell_type": "code", "source": [f"k = \"{key}\"\n"],
                "outputs": [{"text": [f"sent {key}\n"]}]}
        text = json.dumps({"cells": [cell]}, indent=1)
        assert len(list(secrets.find(text, "a.ipynb"))) == 2, name
        text = json.dumps({"x": "y" * 30000, "k": key})
        assert len(list(secrets.find(text, "a.json"))) == 1, name


# name of the file, text: something that looks like a password or key.
LIKELY = [
    ("a.py", f"password = '{made(LETTERS, 12)}'"), ("a.py", f"api_key = \"{made(HEX, 32)}\""),
    ("a.py", f"connect(password='Tr0ub4dor&3#x')"),
    ("a.py", f"SECRET_KEY = 'django-insecure-#k3({made(LETTERS, 30)}'"),
    ("a.py", f"headers = {{'Authorization': 'Bearer {made(LETTERS, 40)}'}}"),
    ("a.py", f"os.environ['MY_TOKEN'] = '{made(LETTERS, 32)}'"),
    ("a.json", json.dumps({"db_password": "Tr0ub4dor&3xyz"})),
    ("a.yaml", f"client_secret: {made(LETTERS, 32)}"), ("a.toml", f"token = \"{made(HEX, 40)}\""),
    ("a.ini", f"aws_secret_access_key = {made(LETTERS + '+/', 40)}"),
    ("a.ipynb", json.dumps({"source": [f"api_key = \"{made(HEX, 32)}\"\n"]})),
    ("a.py", "url = 'postgres://bob:hunter2hunter@localhost/x'"),
]
# Nothing is there.
NOTHING = [
    ("a.py", "api_key = 'YOUR_API_KEY'"), ("a.py", "api_key = os.environ['API_KEY']"),
    ("a.py", "key = 'sk-your-key-here-xxxxxxxxxxxxxxxxxxxx'"),
    ("a.py", "k = 'sk-" + "x" * 40 + "'"),
    ("a.py", "token = get_token('a8f7e6d5c4b3a2918')"), ("a.py", "password: str = Field(...)"),
    ("a.py", "max_tokens = 'abc123abc123abc123'"), ("a.py", "pad_token = '<|endoftext|>'"),
    ("a.py", "password = 'Please enter your password'"), ("a.py", "password = 'hunter' + x"),
    ("a.py", "token_url = 'https://example.com/oauth2/v1/token'"),
    ("a.py", "csrf_token = 'q8Zr4Tn1Xw6Vb3Lk9Jm2'"),
    ("a.py", "password_help = 'eight-or-more-chars'"),
    ("a.py", "'''mysql+mysqldb://scott:tiger@hostname/dbname'''"),
    ("a.py", "url = f'postgres://{user}:{password}@{host}'"),
    ("a.py", "url = 'http://user:password@example.com/'"),
    ("a.py", f"DIGEST = '{made(HEX, 64)}'"),
    ("a.py", "ID = '123e4567-e89b-42d3-a456-426614174000'"),
    ("poetry.lock", f"    {{file = \"x.whl\", hash = \"sha256:{made(HEX, 64)}\"}},"),
    ("package-lock.json", json.dumps({"integrity": "sha512-" + made(LETTERS + "+/", 86) + "=="})),
    ("requirements.txt", f"x==1 --hash=sha256:{made(HEX, 64)}"),
    ("a.ipynb", json.dumps({"image/png": "iVBORw0KGgo" + made(LETTERS + "+/", 60000)})),
    (".env.example", "API_KEY=\nSECRET=changeme\nTOKEN=<your token>\nDB=postgres://u:p@db/x"),
    (".env", "DEBUG=1\nPORT=8080\nAPI_KEY=\nTOKEN=${TOKEN}"),
    ("a.json", json.dumps({"token_type": "bearer-token-v2-0001", "keypoints": "1234567890abc"})),
    ("README.md", "Set `API_KEY=q8Zr4Tn1Xw6Vb3Lk9Jm2` as in the example"),
    ("a.py", "-----BEGIN PUBLIC KEY-----\n-----BEGIN CERTIFICATE-----"),
    ("a.css", ".sk-spinner-and-a-very-long-class-name { }"),
    ("a.py", "x = 'task-force-of-many-words'"),
    ("tokenizer.json", json.dumps({"vocab": {"secret": 1, "password": 2}, "unk_token": "[UNK]"})),
]


@pytest.mark.parametrize("name, text", LIKELY)
def test_what_looks_like_one(name, text):
    found = list(secrets.find(text, name))
    assert len(found) == 1 and not found[0].certain, found


@pytest.mark.parametrize("name, text", NOTHING)
def test_examples_and_hashes(name, text):
    assert not list(secrets.find(text, name))


def test_what_is_too_large_is_said(tmp_path):
    write(tmp_path, {"app.py": "x = 1\n", "a.json": "[" + "1," * (5 << 20) + "1]"})
    result = Audit(Options(str(tmp_path), measure=False)).run()
    assert [(f.file, f.rule, f.severity) for f in result.findings] == [
        ("a.json", "unreadable", "warning")]


def test_reports_show_little(tmp_path):
    short, key = "Tr0ub4dor&3xyz", KEYS["GitHub"]
    write(tmp_path, {"app.py": f"password = '{short}'\n", ".env": f"K={key}\n",
                     ".netrc": key + "\n"})
    result = Audit(Options(str(tmp_path), measure=False)).run()
    said = repr(result.findings)
    assert rules(result) == {"secret", "secret-likely"} and short[:3] not in said
    assert key[:5] not in said and {f.file for f in result.findings} == {"app.py", ".env", ".netrc"}
