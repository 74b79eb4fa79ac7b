"""A notebook and its parameters → the executed notebook, the page, the workbook and the JSON."""
