"""Result objects: Comprehensive 3D SR (TID 1500), SEG, and the picture on the status page."""
