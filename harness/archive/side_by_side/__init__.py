"""Several stored visits, side by side on one page.

`visits` reads them, `notes` warns of what is not the same, `tables` and `figure` show
what they found, `page` puts it together. Nothing is simulated, nothing is judged.
"""
