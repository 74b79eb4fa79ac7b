"""What an element and a chart are called among the outputs of a notebook's cell."""

ELEMENT = "application/vnd.crm-reports.element+json"
FIGURE = "application/vnd.plotly.v1+json"
