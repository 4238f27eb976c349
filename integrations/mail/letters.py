"""Letters in the reader's language, from the templates beside this file: subject, text and HTML.

Never decides what is said to whom, and never loads anything from elsewhere: no pictures, no styles, no
counting pixels. A fact that a template asks for and nobody gave is an error, not an empty place.

What each template wants:

- `sign_in`: name, link, minutes; may have asked_from
- `reconnect`: name, provider (`google`, `outlook`), account, link
- `trouble`: name, what (a problem's words for the administrator), count
- `digest`: digest (tracker.services.digest.facts.Digest), base_url; may have name
- `invitation`, `invitation_off`: invitation (tracker.itip.Invitation), name, other, timezone, is_news, link
- `nudge`: bundle (tracker.services.nudges.facts.Bundle)

All may have base_url.
"""

import re
import textwrap
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, select_autoescape
from markupsafe import Markup

from integrations.mail.digest_words import DigestWords
from integrations.mail.invitations import InvitationWords, write_calendar
from integrations.mail.nudge_words import NudgeWords
from tracker.ports import Letter
from tracker.services.digest.facts import Digest
from tracker.services.nudges.facts import Bundle
from tracker.wording import Reader, catalogue, language_of

TEMPLATES = Path(__file__).parent / "templates"
TEXT_WIDTH = 72
FONT = Markup("-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif")


class JinjaLetterWriter:
    """Writes letters; safe to share between threads."""

    def write(self, template: str, language: str, facts: Mapping[str, Any]) -> Letter:
        """Return the letter `template` for `facts`."""
        spoken = language_of(language)
        known = dict(facts)
        if template == "digest":
            digest: Digest = facts["digest"]
            known["words"] = DigestWords(Reader(spoken, digest.timezone), digest)
        elif template == "nudge":
            bundle: Bundle = facts["bundle"]
            known["words"] = NudgeWords(Reader(spoken, bundle.timezone), bundle)
        elif invitation := facts.get("invitation"):
            known["words"] = InvitationWords(Reader(spoken, facts["timezone"]), invitation)
        env = _environment(spoken)
        text, html = env.get_template(f"{template}.txt.j2"), env.get_template(f"{template}.html.j2")
        subject = _subject(text, known)
        calendar = write_calendar(facts["invitation"]) if "invitation" in facts else None
        return Letter(subject, _tidy(text.render(known)), html.render(known, subject=subject), calendar)


@lru_cache
def _environment(language: str) -> Environment:
    env = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html.j2"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    env.filters["fill"] = fill
    env.globals.update(language=language, font=FONT)
    # The extension adds this method when it is loaded, which no type checker sees.
    env.install_gettext_translations(catalogue(language), newstyle=True)  # type: ignore[attr-defined]
    return env


def _subject(template: Template, facts: Mapping[str, Any]) -> str:
    block = template.blocks["subject"]
    return " ".join("".join(block(template.new_context(dict(facts)))).split())


def _tidy(text: str) -> str:
    """Return the text without blanks at line ends and with at most one empty line between paragraphs."""
    bare = "\n".join(line.rstrip() for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", bare).strip() + "\n"


def fill(text: str, indent: str = "", first: str | None = None) -> str:
    """Return `text` broken into lines that any mail program shows whole; addresses are never broken."""
    return textwrap.fill(
        # Not str.split(): the space of "89 %" is one at which no line may end.
        " ".join(re.findall(r"[^ \t\r\n]+", text)),
        TEXT_WIDTH,
        initial_indent=indent if first is None else first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
