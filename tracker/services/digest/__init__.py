"""The weekly digest for HR: what one tells, the facts it rests on, and its way out.

Never judges: it tells what ledgers say, and blames nobody for a calendar that could not be read.
"""
