"""One file per table of the retail world; `TABLE` of each is found by itself."""
