"""The console: what people look at and decide in a browser.

A table of pages (`app.PAGES`), each with the method of the wire whose rights it shares; templates, one file of styles,
one of words. It draws what the service knows and writes one thing, the steps of a review. No picture leaves it that
was not masked first.
"""
