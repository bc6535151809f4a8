"""The text of a price file: verified whole, cut, and read again (domain/mrf.md 5, 6; decision 18).

 file ──reading──▶ bytes, verified ──cutting──▶ pieces of arrays ──index──▶ spans

reading    the file's bytes, once, in order: gzip members, their CRC and length, a limit on ratio
window     the part of it that is in memory    scanning  where a JSON value ends
cutting    arrays to proved pieces, in bounded memory
index      what is in a file: top-level values, sections, spans
seeking    where in a file reading can begin, and what proves that it did
access     the text of an indexed file, from any place on if that is known
"""
