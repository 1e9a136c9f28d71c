"""The pages of links: all that is asked and a form, kept apart from other sites."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from urllib.parse import urlsplit

from aiohttp import web

from bot.approvals.eligibility import who_can_decide
from bot.approvals.model import Confirm, Decision, Kind, Request, Stage, Verdict
from bot.slack.cards.arguments import (
    asked_fields,
    foreign_line,
    raised_fields,
    tool_field,
)
from bot.slack.homoglyphs import lookalikes
from bot.texts import forms
from bot.texts import web as sentences
from bot.texts.call import (
    ARGUMENTS,
    DECEIVES,
    FOREIGN,
    QUESTION,
    html_fields,
    html_headline,
    plain_headline,
)
from bot.texts.cards import (
    HIGH_RISK,
    STATUS_WORDS,
    UNKNOWN_IF_RUN,
    icon,
    status_word,
)
from bot.texts.clicks import what_to_type
from bot.texts.formatting import for_reader, one_line
from bot.texts.formatting import shown as as_shown
from bot.web.links.tokens import Signer, hash_of

NAMED = 6  # people of a stage


@dataclass(frozen=True)
class Shown:
    """The contents of a page, and the person who sees it.

    Attributes:
        names: display names by user id, as decoration beside the ids.
        form: what the form carries; "" for a page that only shows.
        said: a sentence about what has just happened, or why it did not.
        signs_in: whether there is a way to sign in with Slack first.
    """

    request: Request
    user: str
    names: Mapping[str, str]
    form: str = ""
    said: str = ""
    signs_in: bool = False


def page(title: str, body: Iterable[str]) -> str:
    """A whole document."""
    inside = "\n".join(body)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="robots" content="noindex, nofollow">\n'
        '<link rel="icon" href="data:,">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{inside}\n</main>\n</body>\n</html>\n"
    )


def sentence_page(sentence: str) -> str:
    """A page that has nothing to show but a sentence."""
    title = sentences.APPROVAL
    body = [f"<h1>{title}</h1>", f'<p role="alert">{escape(sentence)}</p>']
    return page(title, body)


def request_page(shown: Shown) -> str:
    """A request, and what may be said to it."""
    request = shown.request
    title = _title(request)
    body = [_headline(request)]
    if shown.said:
        body.append(f'<p role="alert"><strong>{escape(shown.said)}</strong></p>')
    body += [_facts(shown), *_call(request)]
    body += [f"<h2>{sentences.STAGES}</h2>", _stages(shown), *_comments(shown)]
    if shown.form:
        body.append(_form(shown))
    if shown.signs_in:
        body.append(_TO_SLACK)
    return page(title, [*body, *_note(request)])


def used_page(user: str, request: Request, names: Mapping[str, str]) -> str:
    """A page for a used link: who decided what with it, and when."""
    given = [each for each in request.chain.decisions if each.person.user == user]
    said = sentences.used(_said(given[-1], names) if given else "", request.code)
    body = [_headline(request), f'<p role="alert">{escape(said)}</p>']
    return page(_title(request), body)


def _title(request: Request) -> str:
    word = status_word(request)
    return sentences.title(word, plain_headline(request), request.code)


def _headline(request: Request) -> str:
    """State, effect and target; a value is code, so that it never reads as words."""
    word = status_word(request)
    sign = icon(request.status, request.end.execution)
    risk = f" · {HIGH_RISK}" if request.terms.is_risky and request.is_open else ""
    state = f'<p class="state">{sign} {escape(word)}{risk}</p>'
    return f"{state}<h1>{html_headline(request)}</h1>"


def _person(user: str, names: Mapping[str, str]) -> str:
    name = one_line(names.get(user, ""), 80)
    named = name and name != user
    return sentences.person(name, user) if named else one_line(user, 80)


def _facts(shown: Shown) -> str:
    request = shown.request
    facts = [(sentences.ASKED_BY, _person(request.people.requester.user, shown.names))]
    facts += [(sentences.WHY, why) for why in request.terms.why]
    if request.is_open:
        facts.append((sentences.DECIDE_UNTIL, for_reader(request.deadline)))
    else:
        word = STATUS_WORDS[request.status]
        facts.append((word, for_reader(request.end.decided_at or request.deadline)))
    if request.end.execution == "unknown":
        facts.append((sentences.CAREFUL, UNKNOWN_IF_RUN))
    facts.append((sentences.LINK_IS_FOR, _person(shown.user, shown.names)))
    rows = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in facts
    )
    return f"<dl>{rows}</dl>"


def _call(request: Request) -> list[str]:
    call = request.call
    parts = [
        f"<h2>{ARGUMENTS if call.kind is Kind.TOOL else QUESTION}</h2>",
        html_fields([*asked_fields(request), tool_field(request)]),
        *_foreign(request),
    ]
    if call.raised_arguments is not None:
        parts += [f"<h2>{sentences.CHANGED}</h2>", html_fields(raised_fields(request))]
    grant = sentences.grant(request.code, call.grant_digest)
    parts.append(f"<p><small>{escape(grant)}</small></p>")
    return parts


def _foreign(request: Request) -> list[str]:
    """Addresses in other letters than they seem to be written in."""
    found = lookalikes(request.call.arguments)
    if not found:
        return []
    label = DECEIVES if found[0].deceives else FOREIGN
    return [f"<h2>{label}</h2>", _pre("\n".join(map(foreign_line, found)))]


def _pre(text: str) -> str:
    return f"<pre>{escape(text)}</pre>"


def _stages(shown: Shown) -> str:
    request = shown.request
    stages = request.chain.stages
    lines = [_stage(shown, index, stage) for index, stage in enumerate(stages)]
    return f"<ol>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ol>"


def _stage(shown: Shown, index: int, stage: Stage) -> str:
    request = shown.request
    given = [word for word in request.chain.decisions if word.stage == index]
    said = "; ".join(_said(decision, shown.names) for decision in given)
    if stage.passed_at is not None or not request.is_open:
        return sentences.stage_over(stage.approvers, said)
    if index != request.chain.stage_index:
        return sentences.stage_to_come(stage.approvers, stage.quorum)
    return sentences.stage_now(
        stage.approvers,
        given=len(given),
        quorum=stage.quorum,
        people=[_person(user, shown.names) for user in who_can_decide(request)],
        named=NAMED,
        said=said,
    )


def _said(decision: Decision, names: Mapping[str, str]) -> str:
    who = _person(decision.person.user, names)
    reason = one_line(decision.reason, 300)
    return sentences.decided(decision.verdict, who, decision.at, reason)


def _comments(shown: Shown) -> list[str]:
    said = [
        f"{_person(each.user, shown.names)}: {one_line(each.text, 300)}"
        for each in shown.request.chain.comments
    ]
    lines = "".join(f"<li>{escape(line)}</li>" for line in said)
    title = f"<h2>{sentences.COMMENTS}</h2>"
    return [title, f"<ul>{lines}</ul>"] if said else []


def _note(request: Request) -> list[str]:
    note = request.call.note.strip()
    if not note:
        return []
    return [f"<h2>{sentences.AGENT_SAYS}</h2>", _pre(as_shown(note))]


# Relative, so that the page does not hand its own address on.
_TO_SLACK = (
    f'<p class="buttons"><a class="button" href="?sign-in">{sentences.SIGN_IN}</a></p>'
)


def _form(shown: Shown) -> str:
    request, allow = shown.request, takes(shown.request)
    fields = [f'<input type="hidden" name="form" value="{escape(shown.form)}">']
    if request.terms.confirm is Confirm.TYPED and Verdict.APPROVE in allow:
        wanted = forms.to_approve(what_to_type(request))
        fields.append(_field("typed", wanted))
    if Verdict.ANSWER in allow:
        fields.append(_area("answer", sentences.ANSWER_LABEL))
    if Verdict.REJECT in allow:
        fields.append(_area("reason", sentences.REASON_LABEL))
    risky = request.terms.is_risky
    buttons = [_button(verdict, risky) for verdict in _BUTTONS if verdict in allow]
    fields.append(f'<div class="buttons">{"".join(buttons)}</div>')
    return f'<form method="post" autocomplete="off">{"".join(fields)}</form>'


def takes(request: Request) -> frozenset[Verdict]:
    """Return the verdicts on the page; an answer by form is for Slack and the API."""
    offered = frozenset(each for each in _BUTTONS if request.offers(each))
    return offered - {Verdict.ANSWER} if request.call.form is not None else offered


_BUTTONS = {
    Verdict.APPROVE: forms.APPROVE,
    Verdict.REJECT: forms.REJECT,
    Verdict.ANSWER: forms.ANSWER_INSTEAD,
}


def _button(verdict: Verdict, is_risky: bool) -> str:
    """Declining is the safe choice, so approving alone has a colour."""
    look = ("danger" if is_risky else "yes") if verdict is Verdict.APPROVE else "other"
    label = _BUTTONS[verdict]
    return f'<button name="decision" value="{verdict}" class="{look}">{label}</button>'


def _field(name: str, label: str) -> str:
    return (
        f'<label for="{name}">{escape(label)}</label>'
        f'<input id="{name}" name="{name}" maxlength="3000">'
    )


def _area(name: str, label: str) -> str:
    return (
        f'<label for="{name}">{escape(label)}</label>'
        f'<textarea id="{name}" name="{name}" rows="2" maxlength="3000"></textarea>'
    )


STYLE = """
:root { color-scheme: light dark; --ink: #1d1c1d; --dim: #56545a; --paper: #fff;
  --line: #c9c7cc; --field: #f6f5f7; --yes: #00674d; --danger: #b3123d; --on: #fff; }
@media (prefers-color-scheme: dark) { :root { --ink: #f1f0f2; --dim: #b5b2ba;
  --paper: #1b1a1d; --line: #55525b; --field: #26242a; --yes: #4cc79d;
  --danger: #ff8ca6; --on: #16151a; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 44rem; padding: 1rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.35rem; line-height: 1.25; }
h1 code { font: .95em ui-monospace, monospace; background: var(--field);
  border: 1px solid var(--line); border-radius: .25rem; padding: 0 .25em; }
.state { margin: 0 0 -.5rem; color: var(--dim); }
h2 { font-size: 1.05rem; margin: 1.5rem 0 .4rem; }
pre { margin: 0; padding: .75rem; border: 1px solid var(--line); border-radius: .4rem;
  background: var(--field); white-space: pre-wrap; overflow-wrap: anywhere;
  font: .9rem/1.45 ui-monospace, monospace; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem .9rem; }
dt, small { color: var(--dim); }
dd { margin: 0; }
table { width: 100%; border-spacing: 0; }
th { padding: .2rem .9rem .2rem 0; width: 7.8rem; color: var(--dim);
  font-weight: normal; text-align: left; vertical-align: top; }
td { padding: .2rem 0; }
td code, th code { font: .9rem/1.45 ui-monospace, monospace; white-space: pre-wrap; }
ol { margin: 0; padding-left: 1.4rem; }
label { display: block; margin: .9rem 0 .25rem; }
input, textarea { width: 100%; padding: .6rem; font: inherit; color: inherit;
  background: var(--field); border: 1px solid var(--line); border-radius: .4rem; }
.buttons { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1.25rem 0; }
button { flex: 1 1 9rem; min-height: 3rem; font: inherit; font-weight: 600;
  cursor: pointer; color: var(--on); background: var(--yes);
  border: 0; border-radius: .4rem; }
a.button { flex: 1 1 9rem; padding: .7rem; text-align: center; font-weight: 600;
  text-decoration: none; color: var(--on); background: var(--yes);
  border-radius: .4rem; }
button.danger { background: var(--danger); }
button.other { color: var(--ink); background: transparent;
  border: 1px solid var(--line); }
:focus-visible { outline: 3px solid var(--yes); outline-offset: 2px; }
"""


# --- What keeps a page from being driven by another -----------------------------------

COOKIE = "approve"
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; "
        "form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def is_from_our_page(request: web.Request, signer: Signer) -> bool:
    """Return whether a browser says that our own page sent this.

    Under `no-referrer` browsers send the origin of a form as `null`; then they say by
    Sec-Fetch-Site, which no page can set, where it comes from.
    https://fetch.spec.whatwg.org/#append-a-request-origin-header
    """
    origin = request.headers.get("Origin", "")
    site = request.headers.get("Sec-Fetch-Site", "")
    if origin == signer.origin:
        return site in ("", "same-origin")
    return origin == "null" and site == "same-origin"


def new_cookie() -> str:
    """Make the cookie that ties a form to the browser that it is shown in."""
    return secrets.token_urlsafe(24)


def set_cookie(response: web.Response, value: str, signer: Signer) -> None:
    """Set a cookie that scripts and the requests of other sites do not get."""
    keep(response, COOKIE, value, signer, same_site="Strict")


def keep(
    response: web.Response,
    name: str,
    value: str,
    signer: Signer,
    *,
    same_site: str,
    age: int | None = None,
) -> None:
    """A cookie for the pages of links alone; without an age, of this session."""
    url = urlsplit(signer.audience)
    response.set_cookie(
        name,
        value,
        path=f"{url.path}/approve/",
        max_age=age,
        httponly=True,
        samesite=same_site,
        secure=url.scheme == "https",
    )


def form_token(cookie: str, token: str, signer: Signer) -> str:
    """Return the token of the form: good for this browser and this link alone."""
    said = f"slack-approval-bot/form/1\n{cookie}\n{hash_of(token)}"
    return hmac.new(signer.secret.encode(), said.encode(), hashlib.sha256).hexdigest()


def is_our_form(request: web.Request, given: str, token: str, signer: Signer) -> bool:
    """Return whether the form was shown in this very browser."""
    cookie = request.cookies.get(COOKIE, "")
    wanted = form_token(cookie, token, signer)
    return bool(cookie) and hmac.compare_digest(given.encode(), wanted.encode())


def html(
    status: int, text: str, headers: Mapping[str, str] | None = None
) -> web.Response:
    """A page, with all that keeps it apart from other sites."""
    return web.Response(
        status=status,
        text=text,
        content_type="text/html",
        headers={**HEADERS, **(headers or {})},
    )
