"""Keys and tokens in files that everyone who opens the page could read."""

import math
import os
import re
from typing import Iterator, List, NamedTuple, Tuple

# What providers publish about their keys: a name, and a pattern that begins with what is fixed.
_FORMATS: Tuple[Tuple[str, str], ...] = (
    ("an AWS access key", r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b"),
    ("an OpenAI key", r"\bsk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{20,}(?![A-Za-z0-9_-])"),
    ("an Anthropic key", r"\bsk-ant-[A-Za-z0-9_-]{20,}"),
    ("an OpenRouter key", r"\bsk-or-[A-Za-z0-9_-]{20,}"),
    ("a Hugging Face token", r"\b(?:hf_|api_org_)[A-Za-z0-9]{30,}\b"),
    ("a GitHub token", r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,})\b"),
    ("a GitLab token", r"\bgl(?:pat|dt|rt|ptt|ft|soat|cbt)-[A-Za-z0-9_-]{20,}"),
    ("a Google API key", r"\bAIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])"),
    ("a Google OAuth secret", r"\bGOCSPX-[A-Za-z0-9_-]{28}"),
    ("a Slack token", r"\b(?:xox[abeoprs]|xapp)-[A-Za-z0-9-]{10,}"),
    ("a Slack webhook", r"https://hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_-]{20,}"),
    ("a Discord webhook", r"https://discord(?:app)?\.com/api/webhooks/\d{15,}/[A-Za-z0-9_-]{40,}"),
    ("a Discord token", r"\b[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,}"),
    ("a Telegram token", r"\b\d{8,10}:AA[A-Za-z0-9_-]{33}(?![A-Za-z0-9_-])"),
    ("a Stripe key", r"\b(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,}|\bwhsec_[A-Za-z0-9+/]{30,}"),
    ("a Twilio key", r"\bSK[0-9a-f]{32}\b"),
    ("a SendGrid key", r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
    ("a Mailgun key", r"\bkey-[0-9a-f]{32}\b"),
    ("a Mailchimp key", r"\b[0-9a-f]{32}-us\d{1,2}\b"),
    ("a PyPI token", r"\bpypi-[A-Za-z0-9_-]{50,}"),
    ("an npm token", r"\bnpm_[A-Za-z0-9]{36}\b"),
    ("a Docker token", r"\bdckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}"),
    ("a Replicate token", r"\br8_[A-Za-z0-9]{37}\b"),
    ("a Groq key", r"\bgsk_[A-Za-z0-9]{48,}\b"),
    ("an xAI key", r"\bxai-[A-Za-z0-9]{60,}\b"),
    ("a Perplexity key", r"\bpplx-[A-Za-z0-9]{40,}\b"),
    ("a Pinecone key", r"\bpcsk_[A-Za-z0-9_]{40,}\b"),
    ("a LangSmith key", r"\blsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}\b"),
    ("a Databricks token", r"\bdapi[0-9a-f]{32}\b"),
    ("a DigitalOcean token", r"\bdo[opr]_v1_[0-9a-f]{64}\b"),
    ("a Vault token", r"\bhv[sb]\.[A-Za-z0-9_-]{24,}"),
    ("a Shopify token", r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}\b"),
    ("a Notion token", r"\bntn_[A-Za-z0-9]{40,}\b"),
    ("a Linear key", r"\blin_api_[A-Za-z0-9]{40}\b"),
    ("an Atlassian token", r"\bATATT3[A-Za-z0-9_=-]{60,}"),
    ("a Grafana token", r"\bglsa_[A-Za-z0-9]{32}_[0-9a-f]{8}\b"),
    ("a Supabase token", r"\bsb(?:p_[0-9a-f]{40}|_secret_[A-Za-z0-9_-]{20,})"),
    ("an age key", r"\bAGE-SECRET-KEY-1[A-Z0-9]{58}\b"),
    ("a private key", r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----"),
    ("a JSON web token", r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
    ("a password in an address", r"\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@'\"{}$<>]{1,64}:"
                                 r"[^\s:/@'\"{}$<>]{3,128}@[A-Za-z0-9.-]+"),
    ("a key of an Azure account", r"\bAccountKey=[A-Za-z0-9+/]{60,}={0,2}"),
)
# What a line has to hold for one of these to be in it: cheap to look for.
_HINT = re.compile(
    r"A[KSBC][IC]A|sk-|hf_|api_org_|gh[pousr]_|github_pat_|gl(?:pat|dt|rt|ptt|ft|soat|cbt|sa)|AIza|"
    r"GOCSPX|xox|xapp-|hooks\.slack|webhooks/|[sr]k_(?:live|test)|whsec_|SK[0-9a-f]|SG\.|key-|"
    r"-us\d|pypi-|npm_|dckr_|r8_|gsk_|xai-|pplx-|pcsk_|lsv2_|dapi|_v1_|hv[sb]\.|shp|ntn_|"
    r"lin_api_|ATATT3|sb[p_]|SECRET-KEY|PRIVATE KEY|eyJ|://|AccountKey|:AA|"
    r"[MNO][A-Za-z0-9_-]{23,27}\.")
_KNOWN = [(what, re.compile(pattern)) for what, pattern in _FORMATS]
_NAMED = re.compile(
    r"""(?ix) (?<![a-z0-9]) (?P<name>[a-z0-9_.-]{0,40}
    (?:api_?-?key|secret|token|passw(?:or)?d|passwd|pwd|credential|private_?key|access_?key
    |auth_?key)
    [a-z0-9_-]{0,20}) ["']? \]? \s* (?: (?<![=!<>])=(?!=) | : | :\s*str\s*= ) \s*
    (?: (?P<quote>["']) (?P<quoted>[^\s\\]{8,200}?) (?P=quote)
      | (?P<bare>[^\s"',;\#)}\]]{8,200}) )""")
_BEARER = re.compile(r"(?i)\bbearer\s+(?P<quoted>[A-Za-z0-9._~+/-]{20,200})(?![A-Za-z0-9._~+/-])")
_WORDS = re.compile(r"(?i)key|secret|token|passw|pwd|credential|bearer")
_PLACEHOLDER = re.compile(
    r"(?i)(your|xxxx|\*\*\*|<|>|\{|\$|changeme|change-me|example|placeholder|dummy|sample|todo|"
    r"insert|replace|here|fake|test|none|null|secret_?key\Z|password\Z|\.\.\.|os\.|env|getenv|"
    r"redacted|[a-z]+\()")
# Names that end in these say where or how, not what.
_NOT_SECRET = re.compile(
    r"(?i)(_?(tokens|count|length|len|size|limit|max|min|type|name|file|path|url|uri|endpoint|id|"
    r"index|idx|format|pattern|regex|header|prefix|field|column|ttl|expiry|expires|hash|class|"
    r"param|version|budget|per_.*|usage|ids?|dim|embedding|map|dict|list|set|spec|env|var|help|"
    r"label|title|text|message|hint|sha256|digest|checksum))\Z|\A(max|num|n|min|pad|eos|bos|unk|"
    r"sep|cls|mask|special|stop|start|end|next|last|first|blank|public|csrf|page)[_-]?(token|key)|tokeniz")
# Pairs of user and password that documents show, and hosts that are this machine or a container.
_SHOWN = {"password", "pass", "user", "postgres", "root", "secret", "tiger", "admin", "guest",
          "bar", "pw", "pwd", "passwd", "mypassword", "mypass", "foo", "username", "abc",
          "123", "1234"}
_NEAR = re.compile(r"(?i)@(localhost|127\.|0\.0\.0\.0|[a-z0-9_-]+\Z|"
                   r".*\.(example|test|invalid|local)\Z|"
                   r"(.*\.)?example\.(com|org|net)\Z)")
TEXT_SUFFIXES = (
    ".py", ".pyw", ".ipynb", ".json", ".jsonl", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".conf",
    ".config", ".txt", ".md", ".rst", ".js", ".mjs", ".cjs", ".ts", ".tsx", ".jsx", ".html", ".css",
    ".env", ".properties", ".xml", ".csv", ".tsv", ".pem", ".key", ".sh", ".bat", ".ps1", ".sql",
    ".tf", ".tfvars", ".log", ".r", ".netrc", ".npmrc", ".pypirc", ".asc", ".ppk")
_PROSE = (".md", ".rst", ".csv", ".tsv", ".css", ".html", ".txt", ".log")


class Secret(NamedTuple):
    """A secret that was found; `shown` is the little of it that may be said."""

    line: int
    column: int
    what: str
    shown: str
    certain: bool


def shorten(text: str) -> str:
    """At most the first four characters of a long one, and how many there are."""
    start = f"{text[:4]}... " if len(text) >= 20 else ""
    return f"{start}({len(text)} characters)"


def entropy(text: str) -> float:
    """Shannon's entropy in bits per character."""
    return -sum(n / len(text) * math.log2(n / len(text))
                for n in (text.count(c) for c in set(text)))


def is_environment_file(path: str) -> bool:
    """Whether a file is .env, .env.local or the like (and no template)."""
    base = os.path.basename(path)
    return (base == ".env" or base.startswith(".env.") or base.endswith(".env")) and \
        not base.endswith((".example", ".sample", ".template", ".dist", ".defaults"))


def is_text(path: str) -> bool:
    """Whether a file is searched: by its name; names without a suffix (id_rsa, .netrc) count."""
    base = os.path.basename(path).lower()
    return base.endswith(TEXT_SUFFIXES) or ".env" in base or "." not in base.lstrip(".")


def find(text: str, path: str) -> Iterator[Secret]:
    """The secrets of a text."""
    quoted = path.endswith((".py", ".pyw", ".ipynb", ".js", ".mjs", ".cjs", ".ts", ".tsx", ".jsx"))
    named = not path.endswith(_PROSE)
    environment = is_environment_file(path)
    if path.endswith(".ipynb"):  # cells are texts in JSON
        text = text.replace('\\"', '"')
    for number, line in enumerate(text.split("\n"), 1):
        found = list(_of_known_format(line, number)) if _HINT.search(line) else []
        yield from found
        if named and not found and _WORDS.search(line):
            yield from _by_name(line, number, quoted, environment)


def _of_known_format(line: str, number: int) -> Iterator[Secret]:
    taken: List[Tuple[int, int]] = []
    for what, pattern in reversed(_KNOWN):  # the more specific ones are behind
        for found in pattern.finditer(line):
            if any(a < found.end() and found.start() < b for a, b in taken):
                continue
            value = found.group()
            if what == "an OpenAI key" and value.startswith(("sk-ant-", "sk-or-")):
                continue
            if _looks_made_up(what, value):
                continue
            taken.append(found.span())
            near = what == "a password in an address" and _NEAR.search(value)
            yield Secret(number, found.start() + 1, what, shorten(value),
                         "EXAMPLE" not in value.upper() and not near)


def _looks_made_up(what: str, value: str) -> bool:
    if what == "a private key":
        return False
    if what == "a password in an address":
        user, password = value.split("://", 1)[1].rsplit("@", 1)[0].split(":", 1)
        return bool(_PLACEHOLDER.search(password)) or password.lower() in _SHOWN or \
            password.lower() == user.lower() or len(set(password)) < 3
    if what == "an OpenAI key" and not re.search(r"\d", value):
        return True
    body = max(re.split(r"[-_.:]", value), key=len)
    return len(set(body)) < 5 or "1234567890" in value and len(set(value)) < 16 or bool(
        re.search(r"(?i)(x{6}|your|\.\.\.|<|0123456789abcdef|abcdefghij)", value))


def _by_name(line: str, number: int, quoted: bool, environment: bool) -> Iterator[Secret]:
    for found in _NAMED.finditer(line):
        name, value = found.group("name"), found.group("quoted") or found.group("bare")
        if _NOT_SECRET.search(name) or (quoted and not found.group("quote")):
            continue
        if _is_value(name, value, environment):
            start = found.start("quoted") if found.group("quoted") else found.start("bare")
            yield Secret(number, start + 1, f"the value of '{name.strip()}'", shorten(value),
                         environment)
    for found in _BEARER.finditer(line):
        if _is_value("token", found.group("quoted"), environment):
            yield Secret(number, found.start("quoted") + 1, "a bearer token",
                         shorten(found.group("quoted")), environment)


def _is_value(name: str, value: str, environment: bool) -> bool:
    """Whether a value may be what its name says, and no example, path or word."""
    if _PLACEHOLDER.search(value) or value.startswith(("/", "./", "http", "@")) or \
            len(set(value)) < 5:
        return False
    password = re.search(r"(?i)passw|pwd", name)
    return entropy(value) >= (2.5 if password or environment else 3.2) and \
        (len(value) >= 16 or bool(password) or environment) and \
        bool(re.search(r"\d", value) or password) and \
        not re.fullmatch(r"[a-z_.-]+|[A-Z_.-]+|[A-Z][a-z]+([ _.-]?[A-Za-z]+)*", value)
