"""One document, written as HTML, PDF or DOCX."""
