"""Everybody at Andamio, a company that does not exist: software for building sites, five offices.

Never a real person: the names were put together for the demo, and `.example` is nobody's domain.
"""

import unicodedata
from dataclasses import dataclass

DOMAIN = "andamio.example"
OLD_DOMAIN = "obralia.example"  # of a company that Andamio took over: some calendars still use it
PROGRAM_ADDRESS = f"mentoring@{DOMAIN}"


@dataclass(frozen=True, slots=True)
class Office:
    """Where people sit: time zone, country (for public holidays) and language."""

    city: str
    timezone: str
    country: str
    language: str


OFFICES = {
    "MAD": Office("Madrid", "Europe/Madrid", "ES", "es"),
    "MEX": Office("Ciudad de México", "America/Mexico_City", "MX", "es"),
    "BOG": Office("Bogotá", "America/Bogota", "CO", "es"),
    "BUE": Office("Buenos Aires", "America/Argentina/Buenos_Aires", "AR", "es"),
    "AUS": Office("Austin", "America/Chicago", "US", "en"),
}


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody at Andamio; `program` is what they keep their calendar in, '' for no calendar yet."""

    name: str
    office: Office
    department: str
    program: str
    boss: str = ""
    roles: str = ""
    aliases: tuple[str, ...] = ()

    @property
    def email(self) -> str:
        """Return the main address."""
        return f"{slug(self.name)}@{DOMAIN}"

    @property
    def manager(self) -> str:
        """Return the manager's address, '' at the top."""
        return f"{slug(self.boss)}@{DOMAIN}" if self.boss else ""

    @property
    def invited_as(self) -> str:
        """Return the address that calendars know them by: an alias, where they have one."""
        return self.aliases[0] if self.aliases else self.email


def slug(name: str) -> str:
    """Return a name as the first half of an address: `Íñigo Larrañaga` is `inigo.larranaga`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return ".".join(plain.lower().split())


# name | office | department | calendar | manager | what is special
_ROLL = """
Carmen Ibáñez|MAD|Operations|google|Begoña Urrutia|
Rodrigo Peñaloza|MEX|Sales|outlook|Marcus Oyelaran|old
Valentina Restrepo|BOG|Product|google|Paula Giménez|short
Marcus Oyelaran|AUS|Sales|outlook||
Íñigo Larrañaga|MAD|Finance|outlook|Begoña Urrutia|
Ximena Cárdenas|MEX|Customer Success|google|Marcus Oyelaran|
Andrés Felipe Quintero|BOG|Data|outlook|Grace Whitfield|
Begoña Urrutia|MAD|Operations|outlook||
Paula Giménez|BUE|Product|google||old
Santiago Lozano|BOG|Marketing|google|Marcus Oyelaran|
Nuria Casals|MAD|Engineering|apple|Grace Whitfield|
Daniela Montes de Oca|MEX|Engineering|outlook|Grace Whitfield|short
Sofía Echeverri|BOG|Engineering|outlook|Grace Whitfield|
Florencia Bianchi|BUE|Engineering|outlook|Grace Whitfield|old
Grace Whitfield|AUS|Engineering|google||
Priya Raghunathan|AUS|Engineering|google|Grace Whitfield|
Julián Arbeláez|BOG|Engineering|google|Sofía Echeverri|
Héctor Zúñiga|MEX|Engineering|google|Daniela Montes de Oca|
Martín Etcheverry|BUE|Engineering|apple|Florencia Bianchi|old
Álvaro Cortés|MAD|Sales|outlook|Marcus Oyelaran|
Mariana Treviño|MEX|Finance|google|Íñigo Larrañaga|
Diego Armenta|MEX|Operations|outlook|Carmen Ibáñez|
Camila Ospina|BOG|Data|google|Andrés Felipe Quintero|
Emily Nakamura|AUS|Engineering|apple|Priya Raghunathan|
Lucía Navarro|MAD|Customer Success|google|Ximena Cárdenas|short
Tomás Aguirre|BUE|Product|google|Paula Giménez|
Agustín Sosa|BUE|Sales|apple|Rodrigo Peñaloza|
Sergio Peláez|MAD|Data|outlook|Andrés Felipe Quintero|
Juan Pablo Rincón|BOG|Sales|outlook|Rodrigo Peñaloza|
Hannah Brandt|AUS|Marketing|google|Santiago Lozano|
Ryan Castillo|AUS|Customer Success|outlook|Ximena Cárdenas|
Regina Solís|MEX|Product|google|Valentina Restrepo|
Marta Ferrer|MAD|Engineering|google|Nuria Casals|
Ainhoa Goñi|MAD|Engineering|google|Martín Etcheverry|
Fernanda Ríos|MEX|Engineering|apple|Héctor Zúñiga|
Laura Bermúdez|BOG|Engineering|google|Julián Arbeláez|
Milagros Acuña|BUE|Engineering|outlook|Martín Etcheverry|old
Jasmine Okafor|AUS|Engineering|google|Priya Raghunathan|
Elena Vidal|MAD|Engineering|outlook|Nuria Casals|
Ana Sofía Cantú|MEX|Engineering|google|Daniela Montes de Oca|
Nicolás Pardo|BOG|Engineering|google|Sofía Echeverri|
Olivia Marsh|AUS|Product|google|Valentina Restrepo|
Iván Molina|MAD|Operations|outlook|Carmen Ibáñez|
Claire Donovan|AUS|People|google||hr
Jorge Almeida|MAD|People|outlook|Claire Donovan|hr
Teresa Barragán|MAD|IT|google|Grace Whitfield|admin
"""


def _member(line: str) -> Member:
    name, office, department, program, boss, special = line.split("|")
    aliases = {
        "old": (f"{slug(name)}@{OLD_DOMAIN}",),
        "short": (f"{slug(name)[0]}{slug(name).rpartition('.')[2]}@{DOMAIN}",),
    }.get(special, ())
    roles = special if special in ("hr", "admin") else ""
    return Member(name, OFFICES[office], department, program, boss, roles, aliases)


CAST = {member.name: member for member in map(_member, _ROLL.strip().splitlines())}

HR = "Claire Donovan"
DEMO_MENTOR = "Valentina Restrepo"
DEMO_MENTEE = "Emily Nakamura"
