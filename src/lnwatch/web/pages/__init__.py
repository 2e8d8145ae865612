"""What the pages show, made ready for their templates: words and figures, no decisions in HTML."""
