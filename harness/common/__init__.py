"""Tools that every room uses: faults, files, tables of text, drawing, words, pages."""
