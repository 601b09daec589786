"""The pages, one file for each part of the console. A page is a function of the desk and of what was asked."""
