"""Writes numpy_savez.npz and numpy_savez_compressed.npz, as they are in this folder (numpy 2.4)."""

from pathlib import Path

import numpy

features = numpy.array([[0.5, -1.0, 1e-300], [3.0, numpy.pi, -0.0]])
arrays = {
    "features": features,
    "labels": numpy.array([1, 0], dtype="i8"),
    "by_columns": numpy.asfortranarray(features),
    "row": features[0],
}
folder = Path(__file__).parent
numpy.savez(folder / "numpy_savez.npz", **arrays)
numpy.savez_compressed(folder / "numpy_savez_compressed.npz", **arrays)
