"""Tables as logs: a header, then a row at a time, in text or in columns.

`layout` tells how a text file is laid out, `records` cuts it into cells, `cells` makes numbers of them;
`chunks` holds some thousand rows, of text or of Arrow; `roles` says which column counts steps, which
epochs, and which holds times; `counting` runs counts within epochs on, `parted` keeps training and
validation apart; `reader` makes rows of it all. What was decided is noted, what could not be read is
named by its line, and `suggesting` tells where several runs seem to share the table.
"""
