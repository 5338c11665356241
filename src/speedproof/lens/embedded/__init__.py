"""Subjects that are made here from seeds, with nothing downloaded."""
