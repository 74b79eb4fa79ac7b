"""Every reader-visible word: the catalogue (English in the code, Russian in `locale/`), and how numbers are written."""
