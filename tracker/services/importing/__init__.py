"""Files of people, pairs and days off that the company brings in: all of a file or nothing of it.

`tables` reads CSV, `fields` single cells; each kind of file has its importer. Nothing here judges.
"""
