"""Sales reports from a CRM. In a notebook: `import crm_reports as crm`."""
