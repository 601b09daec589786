"""Sends scenes to the renderer, a process of another Python, and brings back light and labels."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from rooms.materials import Material
from rooms.scene import Scene, Seen, Shot

WORKER = Path(__file__).resolve().parents[1] / "blender.py"
PYTHON = Path(__file__).resolve().parents[3] / ".venv-render" / "bin" / "python"
"""Where `make renderer` puts the renderer's Python."""


class RenderError(Exception):
    """The renderer is missing, has died, or could not draw a scene."""


class Blender:
    """Cycles in a process of its own; use it as a context, and from one thread.

    Args:
        python: A Python that has `datasets/rendered/requirements.txt` installed.
        samples: Light paths a pixel, before the denoiser.
        bounces: After which light is taken for ambient.
        threads: 0 for as many as there are cores.

    Raises:
        RenderError: There is no such Python.
    """

    def __init__(self, python: Path = PYTHON, *, samples: int = 6, bounces: int = 3, threads: int = 0) -> None:
        if not python.is_file():
            raise RenderError(f"no renderer at {python}: run `make renderer`")
        self._settings = {"samples": samples, "bounces": bounces, "threads": threads}
        self._worker = subprocess.Popen(
            [str(python), str(WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._worker:  # closes the pipes and waits
            self._worker.kill()

    def render(self, scene: Scene, shots: Sequence[Shot]) -> list[Seen]:
        """Return what each shot sees, in order. The same scene and shots give the same light.

        Raises:
            RenderError: The worker died, or said what went wrong.
        """
        with tempfile.TemporaryDirectory() as folder:
            stored, out = Path(folder, "scene.npz"), Path(folder, "seen.npz")
            np.savez(stored, **packed(scene))  # type: ignore[arg-type] # arrays by name
            request = {"scene": str(stored), "out": str(out), "shots": [spoken(shot) for shot in shots]}
            self._ask({**request, **self._settings})
            with np.load(out) as seen:
                return [Seen(seen[f"light{index}"], seen[f"labels{index}"]) for index in range(len(shots))]

    def _ask(self, request: dict[str, object]) -> None:
        if self._worker.stdin is None or self._worker.stdout is None:
            raise RenderError("the renderer has no pipes")
        try:
            self._worker.stdin.write(json.dumps(request) + "\n")
            self._worker.stdin.flush()
            line = self._worker.stdout.readline()
        except OSError as error:
            raise RenderError(f"the renderer died: {error}") from error
        if not line:
            raise RenderError("the renderer died")
        if fault := json.loads(line).get("error"):
            raise RenderError(f"the renderer cannot draw this scene: {fault}")


def spoken(shot: Shot) -> dict[str, object]:
    """Return a shot in the renderer's words."""
    return {
        **asdict(shot.camera),
        "groups": sorted(shot.groups),
        "lamps": shot.lamps,
        "day": shot.day,
        "infrared": shot.infrared,
        "size": shot.size,
        "seed": shot.seed,
    }


def packed(scene: Scene) -> dict[str, NDArray[np.generic]]:
    """Return a scene as arrays by name: "spec" is JSON, the rest are geometry and pictures."""
    batches = scene.batches()
    materials: dict[Material, int] = {}
    arrays: dict[str, NDArray[np.generic]] = {}
    parts = []
    for index, part in enumerate(batches):
        number = materials.setdefault(part.material, len(materials))
        size = part.material.pattern.size if part.material.pattern else 1.0
        arrays[f"points{index}"] = part.mesh.points
        arrays[f"triangles{index}"] = part.mesh.triangles
        arrays[f"uv{index}"] = part.mesh.uv / np.float32(size)
        parts.append({"material": number, "label": part.label, "group": part.group})
    pictures = 0
    surfaces = []
    for material in materials:
        picture = None
        if material.pattern is not None:
            arrays[f"picture{pictures}"] = material.pattern.paint()
            picture, pictures = pictures, pictures + 1
        surfaces.append({**asdict(material), "pattern": None, "picture": picture})
    lamps = [asdict(lamp) for lamp in scene.lamps]
    spec = {"materials": surfaces, "parts": parts, "pictures": pictures, "lamps": lamps}
    return {"spec": np.array(json.dumps(spec)), **arrays}
