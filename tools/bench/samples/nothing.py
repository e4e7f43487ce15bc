"""The least that a Python function can be."""


def handler(event, _context):
    return event
