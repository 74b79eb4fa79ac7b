"""How elements look: tables, the page, the workbook, the wiki, and their templates."""
