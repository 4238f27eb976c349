"""Whose certificates are trusted, over every connection that leaves this machine.

Those of the machine, those that requests brings along (a small container may have none of its own), and
besides them those of CADENCIA_CA_BUNDLE. Never leaves a certificate or its name unchecked.
"""

import ssl
from functools import lru_cache
from pathlib import Path

import requests.utils


@lru_cache(maxsize=8)
def open_trust(ca_bundle: str | Path | None) -> ssl.SSLContext:
    """Return the context to connect with; `ca_bundle` is a file of PEM certificates that are trusted, too.

    One for the process: to read the authorities costs more than a request. Safe to share between threads.
    Raises ssl.SSLError where the file holds no certificate.
    """
    context = ssl.create_default_context()
    context.hostname_checks_common_name = False
    context.load_verify_locations(requests.utils.DEFAULT_CA_BUNDLE_PATH)
    if ca_bundle is not None:
        context.load_verify_locations(ca_bundle)
    return context
