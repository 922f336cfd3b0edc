"""Audit messages as tests write them out."""

import re


def on_the_wire(text: str) -> bytes:
    """Take the line breaks out of an XML text: none between elements, one space between attributes."""
    joined = re.sub(r"\s*\n\s*(?=<|$)", "", text.strip())
    return ('<?xml version="1.0" encoding="UTF-8"?>' + re.sub(r"\s*\n\s*", " ", joined)).encode()
