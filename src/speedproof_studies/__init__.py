"""What the project asks about itself: each study has its records, its rates, its part of the report and its verb.

The instrument knows none of them; `project.py` hands them in. Imports nothing, so that the processes of the power
study's tools start fast.
"""
