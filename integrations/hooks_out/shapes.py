"""What chats want to be told things in. Says the event's text and link, never more of it.

Slack: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks. Teams: Workflows ("When a
Teams webhook request is received") takes adaptive cards alone; the older connectors are gone.
"""

import json
from typing import Any

# Version 1.4 is what Teams shows everywhere, phones included.
CARD_VERSION = "1.4"


def slack_message(body: bytes) -> bytes:
    """Return the event as a message of Slack's incoming webhooks."""
    text, link = _said(body)
    shown = f"{_escape(text)}\n<{_escape(link)}>"
    return json.dumps({"text": shown, "unfurl_links": False}).encode()


def adaptive_card(body: bytes) -> bytes:
    """Return the event as what a workflow of Microsoft Teams posts to its channel."""
    text, link = _said(body)
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": CARD_VERSION,
        "body": [{"type": "TextBlock", "text": text, "wrap": True}],
        "actions": [{"type": "Action.OpenUrl", "title": "Cadencia", "url": link}],
    }
    attachment = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": card,
    }
    return json.dumps({"type": "message", "attachments": [attachment]}).encode()


def _said(body: bytes) -> tuple[str, str]:
    data: dict[str, Any] = json.loads(body)["data"]
    return str(data["text"]), str(data["link"])


def _escape(text: str) -> str:
    # The three characters that Slack's markup gives a meaning: a program's name must not call everybody.
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
