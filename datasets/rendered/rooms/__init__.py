"""Draws rooms as a surveillance camera sees them, with exact labels, from nothing but a seed.

    families -> places -> scene -> blender -> sensor -> stills, clips, manifest

A *place* furnishes a room from *fixtures*, whose looks come from *families*; some families are kept out of training.
The scene is plain data: triangles, materials, lamps, cameras. One process of another Python, `blender.py`, turns it
into light; `sensor` turns that light into what a recorder would have kept.
"""
