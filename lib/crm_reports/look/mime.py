"""What an element, a chart and the rows behind a page's numbers are called among the outputs of a notebook's cell."""

ELEMENT = "application/vnd.crm-reports.element+json"
FIGURE = "application/vnd.plotly.v1+json"
ROWS = "application/vnd.crm-reports.rows+json"
