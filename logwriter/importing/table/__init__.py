"""Tables as logs: a header, then a row at a time, in text or in columns.

`layout` tells how a text file is laid out, `records` cuts it into cells, `cells` makes numbers of them;
`chunks` holds some thousand rows, of text or of Arrow; `roles` says which column counts steps, which
epochs, and which holds times; `reader` makes rows of it all. What was decided is noted, and what could
not be read is named by its line.
"""
