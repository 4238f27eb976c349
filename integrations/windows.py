"""Windows' names of time zones, as Outlook and Exchange write them, and the IANA zones they stand for.

It never guesses: a name that is not here is not a Windows zone.
"""

from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

# In Windows and in Unicode CLDR's windowsZones (territory 001), not yet in the library.
NEWER = {
    "Alberta Standard Time": "America/Edmonton",
    "British Columbia Standard Time": "America/Vancouver",
    "Manitoba Standard Time": "America/Winnipeg",
}
WINDOWS_ZONES = {**WINDOWS_TO_OLSON, **NEWER}
