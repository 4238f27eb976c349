"""Events on their way out: to Slack, to Microsoft Teams and to the company's own programs."""

from integrations.hooks_out.client import HttpCourier

__all__ = ["HttpCourier"]
