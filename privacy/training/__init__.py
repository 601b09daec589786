"""Training of the zone models; the only part of the product, with the Torch masking, that imports torch."""
