"""A company whose pair has Google calendars that can be written to, kept in memory."""

from __future__ import annotations

from dataclasses import replace

from tests.tracker.services.diaries import FakeDiaries, Shelf
from tests.web.company import Company, Duo
from tracker.models import Calendar, Person, Provider
from tracker.services.carrying import Carried, carry_out


def make_bookable(company: Company, duo: Duo) -> FakeDiaries:
    """Let both have a Google calendar under their own address, which the company may write to."""
    diaries = FakeDiaries()
    settings = replace(company.ports.settings, google_service_account="{}")
    company.ports = replace(company.ports, diaries=diaries, settings=settings)
    for person in (duo.mentor, duo.mentee):
        set_provider(company, duo, person, Provider.GOOGLE)
        for other in (duo.mentor, duo.mentee):
            diaries.shelf(person.email).busy[other.email] = ()
    return diaries


def set_provider(company: Company, duo: Duo, person: Person, provider: Provider) -> None:
    """Let the person's calendar be with that provider."""
    number = (duo.mentor, duo.mentee).index(person)
    with company.ports.store.write() as db:
        calendar = db.get_one(Calendar, duo.calendars[number].id)
        calendar.provider = provider
        calendar.address = company.ports.vault.seal(person.email, calendar.address_binding)


def carry(company: Company) -> Carried:
    """Do what a worker would do now."""
    return carry_out(company.ports, company.now)


def calendar_of(diaries: FakeDiaries, person: Person) -> Shelf:
    """Return the person's calendar as the provider has it."""
    return diaries.shelf(person.email)
