"""Where a row comes from: the exact text in the source, read again and proved again.

rereading  the indexed bytes again, verified again    locating  the text that a row is from
"""
