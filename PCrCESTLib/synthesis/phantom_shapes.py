"""Shapes of the digital rat leg: which tissue fills which part of every voxel.

Two shanks in cross section, the animal on its back: shins toward the top of the image, tail below. Every
shape is a closed curve in leg coordinates (lateral, posterior), mirrored for the other leg, so any grid can
sample it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from PCrCESTLib.geometry import Geometry

MUSCLES = ("tibialis anterior", "peroneus", "gastrocnemius", "soleus")
LEGS = ("right", "left")  # in image order: +x is the patient's left
MUSCLE_NAMES = tuple(f"{leg} {muscle}" for leg in LEGS for muscle in MUSCLES)

AIR = 0
FAT, CORTICAL_BONE, MARROW, VESSEL, CONNECTIVE = (len(MUSCLE_NAMES) + 1 + i for i in range(5))
N_CLASSES = CONNECTIVE + 1  # classes 1 … 8 are the muscles, in the order of MUSCLE_NAMES
SUBSAMPLES = 4  # in each in-plane direction: partial volume in steps of 1/16

# Centers (lateral, posterior) and weights of the power diagram that divides a shank into its muscles.
_MUSCLE_SITES = np.array([[0.30, -0.50], [0.62, 0.05], [-0.05, 0.62], [-0.12, 0.02]])
_MUSCLE_WEIGHTS = np.array([0.02, 0.0, 0.10, -0.06])


@dataclass(frozen=True)
class Composition:
    """What every voxel is made of.

    Parameters
    ----------
    fractions : ndarray
        Share of each class in the voxel's volume, (N_CLASSES, z, y, x); sums to one.
    """

    fractions: np.ndarray

    @property
    def muscle(self) -> np.ndarray:
        """Share of muscle of any kind, (z, y, x)."""
        return self.fractions[1:FAT].sum(axis=0)

    @property
    def muscle_index(self) -> np.ndarray:
        """The muscle (1 … 8) that fills most of the voxel, 0 where there is none, (z, y, x)."""
        index = 1 + np.argmax(self.fractions[1:FAT], axis=0)
        return np.where(self.muscle > 0, index, 0)

    @property
    def body(self) -> np.ndarray:
        """True where less than half of the voxel is air, (z, y, x)."""
        return self.fractions[AIR] < 0.5


@dataclass(frozen=True)
class GridCoordinates:
    """Scanner-independent coordinates of voxel centers (or of points within voxels).

    ``x`` and ``y`` run from −1 to 1 over the shorter in-plane side of the field of view, so circles stay
    round on any pixel; ``z`` runs from −1 to 1 over the stack, 0 for a single slice. All three are (z, y, x).
    """

    x: np.ndarray
    y: np.ndarray
    z: np.ndarray


def grid_coordinates(geometry: Geometry, subsamples: int = 1) -> GridCoordinates:
    """Coordinates of ``subsamples`` × ``subsamples`` points in the plane of every voxel."""
    nx, ny, nz = geometry.size
    half_side_mm = min(nx * geometry.spacing_mm[0], ny * geometry.spacing_mm[1]) / 2

    def centered(n: int, spacing_mm: float) -> np.ndarray:
        return ((np.arange(n * subsamples) + 0.5) / subsamples - n / 2) * spacing_mm / half_side_mm

    z = np.linspace(-1, 1, nz) if nz > 1 else np.zeros(1)
    grids = np.meshgrid(
        z, centered(ny, geometry.spacing_mm[1]), centered(nx, geometry.spacing_mm[0]), indexing="ij"
    )
    return GridCoordinates(x=grids[2], y=grids[1], z=grids[0])


def compose_legs(geometry: Geometry, rng: np.random.Generator) -> Composition:
    """Fill the grid with two legs and a tail; ``rng`` varies their outlines a little."""
    points = grid_coordinates(geometry, SUBSAMPLES)
    classes = np.zeros(points.x.shape, dtype=np.uint8)
    for leg, side in enumerate((-1.0, 1.0)):
        _draw_leg(classes, points, side, leg * len(MUSCLES), rng)
    _draw_tail(classes, points, rng)
    return Composition(_class_fractions(classes, geometry))


def _class_fractions(classes: np.ndarray, geometry: Geometry) -> np.ndarray:
    nz, ny, nx = geometry.shape
    blocks = classes.reshape(nz, ny, SUBSAMPLES, nx, SUBSAMPLES)
    return np.stack([(blocks == c).mean(axis=(2, 4)) for c in range(N_CLASSES)])


def _draw_leg(
    classes: np.ndarray, points: GridCoordinates, side: float, first_muscle: int, rng: np.random.Generator
) -> None:
    lateral, posterior = _leg_coordinates(points, side, rng)
    angle = np.arctan2(posterior, lateral)
    phase = rng.uniform(-0.3, 0.3, 2)
    outline = 1 + 0.035 * np.cos(2 * angle + phase[0]) + 0.045 * np.sin(3 * angle + phase[1])
    radius = np.hypot(lateral, posterior) / outline
    # The fat pad lies over the shin bone, toward the front and the midline.
    shin = np.exp(-(np.angle(np.exp(1j * (angle + 2.35))) ** 2) / 0.35)
    muscle_edge = 0.92 - 0.17 * shin
    classes[radius < 1] = CONNECTIVE
    classes[radius < 0.975] = FAT
    inside = radius < muscle_edge
    classes[inside] = (1 + first_muscle + _muscle_of(lateral, posterior, rng))[inside]
    _draw_bones_and_vessels(classes, lateral, posterior)


def _leg_coordinates(
    points: GridCoordinates, side: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    shift = rng.uniform(-0.03, 0.03, 2)
    tilt = rng.uniform(0.05, 0.25)
    taper = rng.uniform(0.9, 1.0) * (1 - 0.06 * points.z)  # the calf thins toward the ankle
    x = side * (points.x - shift[0]) - 0.47
    y = points.y + 0.12 - shift[1] - 0.02 * points.z
    lateral = (np.cos(tilt) * x + np.sin(tilt) * y) / (0.42 * taper)
    posterior = (np.cos(tilt) * y - np.sin(tilt) * x) / (0.50 * taper)
    return lateral, posterior


def _muscle_of(lateral: np.ndarray, posterior: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Index 0 … 3 of the muscle a point belongs to, by a bent power diagram (curved septa, no gaps)."""
    bend = rng.uniform(0.04, 0.09, 2)
    u = lateral + bend[0] * np.sin(3.0 * posterior)
    v = posterior + bend[1] * np.cos(3.5 * lateral)
    squared = (u[..., None] - _MUSCLE_SITES[:, 0]) ** 2 + (v[..., None] - _MUSCLE_SITES[:, 1]) ** 2
    return np.argmin(squared - _MUSCLE_WEIGHTS, axis=-1).astype(np.uint8)


def _draw_bones_and_vessels(classes: np.ndarray, lateral: np.ndarray, posterior: np.ndarray) -> None:
    tibia = np.hypot(lateral + 0.42, (posterior + 0.45) * 1.15)
    classes[tibia < 0.20] = CORTICAL_BONE
    classes[tibia < 0.10] = MARROW
    classes[np.hypot(lateral - 0.36, posterior + 0.08) < 0.065] = CORTICAL_BONE  # fibula
    classes[np.hypot(lateral - 0.10, posterior + 0.12) < 0.075] = VESSEL  # anterior tibial
    classes[np.hypot(lateral + 0.36, posterior - 0.12) < 0.085] = VESSEL  # posterior tibial


def _draw_tail(classes: np.ndarray, points: GridCoordinates, rng: np.random.Generator) -> None:
    x = (points.x - rng.uniform(-0.04, 0.04)) / 0.17
    y = (points.y - 0.76) / 0.17
    radius, angle = np.hypot(x, y), np.arctan2(y, x)
    inside = (radius < 1) & (classes == AIR)
    classes[inside] = CONNECTIVE
    tendons = (np.abs(radius - 0.62) < 0.2) & (np.cos(4 * angle + 0.8) > 0.1)
    classes[inside & tendons] = FAT
    classes[inside & (radius < 0.38)] = CORTICAL_BONE
    classes[inside & (radius < 0.16)] = MARROW
