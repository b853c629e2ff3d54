"""HTML: a plan and a report, each as one page that needs nothing else; no script, no link out."""
