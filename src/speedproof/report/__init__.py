"""What the records say, as a page, as Markdown and on dashboards."""
