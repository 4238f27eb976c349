"""The sample company of `cadencia demo`: invented people, their calendars, and half a year of mentoring.

Never touches anything outside the folder it is given, and knows no real person or company.
"""
