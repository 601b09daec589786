"""Renders scenes with Blender's Cycles: a worker that the renderer's own Python runs, one request a line.

    stdin   {"scene": "scene.npz", "shots": [...], "samples": 16, "bounces": 4, "threads": 0, "out": "seen.npz"}
    stdout  {"done": "seen.npz"} or {"error": "what went wrong"}

The scene is what `rooms.renderer` writes. Nothing here imports the project, and the project imports nothing from here.
"""

import json
import math
import os
import sys
import tempfile
from pathlib import Path

import bpy
import numpy as np
import OpenEXR
from mathutils import Euler, Matrix, Vector

GLOW_W = 9.0
"""Radiant strength of a surface with glow 1."""
LAMP_W = 60.0
"""Power of a lamp of strength 1, a square metre."""
INFRARED_W = 45.0
"""Power of the camera's own lamp at strength 1."""


def linear(colour):
    """Return sRGB in [0, 1] as the linear RGBA that Blender wants."""
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour] + [1.0]


def settle(samples, bounces, threads, seed):
    """Set what decides speed and noise: few samples and a denoiser, few bounces, and ambient light after them."""
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    cycles = scene.cycles
    cycles.device = "CPU"
    cycles.samples = samples
    cycles.seed = seed
    cycles.use_adaptive_sampling = False
    cycles.use_denoising = True
    cycles.denoiser = "OPENIMAGEDENOISE"
    cycles.denoising_input_passes = "RGB_ALBEDO_NORMAL"
    cycles.denoising_prefilter = "FAST"
    cycles.max_bounces = bounces
    cycles.diffuse_bounces = bounces
    cycles.glossy_bounces = 2
    cycles.transmission_bounces = 2
    cycles.transparent_max_bounces = 6
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect = 4.0
    cycles.use_fast_gi = True
    cycles.fast_gi_method = "REPLACE"
    cycles.ao_bounces_render = 1
    cycles.use_light_tree = False
    render = scene.render
    render.use_persistent_data = False  # what is kept from an earlier picture changes the noise of the next
    render.threads_mode = "FIXED" if threads else "AUTO"
    render.threads = threads or 1
    render.resolution_percentage = 100
    render.image_settings.media_type = "MULTI_LAYER_IMAGE"
    render.image_settings.file_format = "OPEN_EXR_MULTILAYER"
    render.image_settings.color_depth = "32"
    layer = bpy.context.view_layer
    layer.use_pass_object_index = True
    world = scene.world or bpy.data.worlds.new("world")
    scene.world = world
    world.light_settings.distance = 3.0
    world.light_settings.ao_factor = 0.5


def surface(spec, pictures):  # noqa: C901 - one table of shaders
    """Build one material; return it with its emission socket, or None.

    Most surfaces are a diffuse shader with a sheen on it: half the cost of the principled one.
    """
    material = bpy.data.materials.new(spec["name"])
    material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    nodes.clear()
    out = nodes.new("ShaderNodeOutputMaterial")

    def shader(kind, rough=None):
        node = nodes.new(kind)
        node.inputs["Color"].default_value = linear(spec["colour"])
        if picture is not None:
            links.new(picture, node.inputs["Color"])
        if rough is not None:
            node.inputs["Roughness"].default_value = rough
        return node

    def mixed(share, below, above):
        node = nodes.new("ShaderNodeMixShader")
        if isinstance(share, float):
            node.inputs[0].default_value = share
        else:
            links.new(share, node.inputs[0])
        links.new(below.outputs[0], node.inputs[1])
        links.new(above.outputs[0], node.inputs[2])
        return node

    picture = None
    if spec["picture"] is not None:
        pixels = pictures[spec["picture"]]
        height, width = pixels.shape[:2]
        image = bpy.data.images.new(spec["name"], width, height)
        rgba = np.ones((height, width, 4), np.float32)
        rgba[..., :3] = pixels / np.float32(255)
        image.pixels.foreach_set(rgba.ravel())
        image.pack()
        texture = nodes.new("ShaderNodeTexImage")
        texture.image = image
        picture = texture.outputs["Color"]
    socket = None
    if spec["glow"]:
        final = shader("ShaderNodeEmission")
        socket = final.inputs["Strength"]
        material.cycles.emission_sampling = "NONE"  # lamps light the scene; this only shows
    elif spec["metal"]:
        final = shader("ShaderNodeBsdfAnisotropic", spec["rough"])
    else:
        final = shader("ShaderNodeBsdfDiffuse")
        if spec["rough"] < 0.5:
            gloss = nodes.new("ShaderNodeBsdfAnisotropic")
            gloss.inputs["Roughness"].default_value = max(0.05, spec["rough"])
            final = mixed(nodes.new("ShaderNodeFresnel").outputs[0], final, gloss)
    if spec["see_through"]:
        final = mixed(float(spec["see_through"]), final, nodes.new("ShaderNodeBsdfTransparent"))
    links.new(final.outputs[0], out.inputs["Surface"])
    return material, socket


def shine(lamp):
    """Hang one lamp; return its light and the strength at which it is full."""
    light = bpy.data.lights.new("lamp", "AREA")
    light.shape = "RECTANGLE"
    light.size, light.size_y = lamp["size"]
    light.color = linear(lamp["colour"])[:3]
    # Ambient light ends a path at its second surface, before the half that a lamp hit by chance would have counted.
    light.cycles.use_multiple_importance_sampling = False
    thing = bpy.data.objects.new("lamp", light)
    thing.location = lamp["place"]
    thing.rotation_euler = Vector(lamp["aim"]).to_track_quat("-Z", "Y").to_euler()
    thing.visible_camera = False
    bpy.context.collection.objects.link(thing)
    return thing, LAMP_W * lamp["strength"] * light.size * light.size_y


def build(path):
    """Replace what was there by the scene in `path`; return objects by group, sockets of what glows, and lamps."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    stored = np.load(path)
    spec = json.loads(str(stored["spec"]))
    pictures = [stored[f"picture{index}"] for index in range(spec["pictures"])]
    surfaces = [surface(material, pictures) for material in spec["materials"]]
    lamps = [
        (socket, material["glow"], material["lit_by"])
        for material, (_, socket) in zip(spec["materials"], surfaces, strict=True)
        if material["glow"]
    ]
    groups = {}
    lights = []
    for lamp in spec["lamps"]:
        thing, full = shine(lamp)
        lights.append((thing, full, lamp["lit_by"]))
        groups.setdefault(lamp["group"], []).append(thing)
    for index, part in enumerate(spec["parts"]):
        points, triangles = stored[f"points{index}"], stored[f"triangles{index}"]
        mesh = bpy.data.meshes.new(f"part{index}")
        mesh.vertices.add(len(points))
        mesh.vertices.foreach_set("co", points.ravel())
        mesh.loops.add(triangles.size)
        mesh.loops.foreach_set("vertex_index", triangles.ravel())
        mesh.polygons.add(len(triangles))
        mesh.polygons.foreach_set("loop_start", np.arange(0, triangles.size, 3, dtype=np.int32))
        mesh.polygons.foreach_set("use_smooth", np.ones(len(triangles), bool))
        uv = mesh.uv_layers.new()
        uv.data.foreach_set("uv", stored[f"uv{index}"].ravel())
        mesh.update()
        mesh.set_sharp_from_angle(angle=math.radians(38))
        thing = bpy.data.objects.new(f"part{index}", mesh)
        thing.data.materials.append(surfaces[part["material"]][0])
        thing.pass_index = part["label"]
        bpy.context.collection.objects.link(thing)
        groups.setdefault(part["group"], []).append(thing)
    return groups, lamps, lights


def aim(shot):
    """Hang the camera, and its own lamp beside it."""
    scene = bpy.context.scene
    if scene.camera is None:
        scene.camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
        scene.collection.objects.link(scene.camera)
        lamp = bpy.data.lights.new("infrared", "POINT")
        lamp.shadow_soft_size = 0.04
        lamp.cycles.use_multiple_importance_sampling = False
        scene.collection.objects.link(bpy.data.objects.new("infrared", lamp))
    camera, lens = scene.camera, scene.camera.data
    camera.location = shot["place"]
    aimed = Euler((math.radians(90 - shot["tilt"]), 0, math.radians(shot["pan"] - 90))).to_matrix()
    camera.rotation_euler = (aimed @ Matrix.Rotation(math.radians(shot["roll"]), 3, "Z")).to_euler()
    lens.clip_start = 0.02
    height, width = shot["size"]
    scene.render.resolution_x, scene.render.resolution_y = width, height
    lens.sensor_fit = "HORIZONTAL"
    lens.sensor_width = 36.0
    if shot["lens"] == "fisheye":
        lens.type = "PANO"
        where = lens if hasattr(lens, "panorama_type") else lens.cycles
        where.panorama_type = "FISHEYE_EQUISOLID"
        where.fisheye_lens = 18 / (2 * math.sin(math.radians(shot["width"]) / 4))
        where.fisheye_fov = math.radians(min(190.0, 1.6 * shot["width"]))
    else:
        lens.type = "PERSP"
        lens.angle = math.radians(shot["width"])
    lamp = bpy.data.objects["infrared"]
    lamp.location = camera.location
    lamp.data.energy = INFRARED_W * shot["infrared"]
    lamp.hide_render = not shot["infrared"]


def take(shot, groups, lamps, lights):
    """Render one shot; return linear light and labels."""
    aim(shot)
    shown = {"", *shot["groups"]}
    for name, things in groups.items():
        for thing in things:
            if thing.hide_render == (name in shown):
                thing.hide_render = name not in shown
    for socket, glow, lit_by in lamps:
        socket.default_value = GLOW_W * glow * shot[lit_by]
    for thing, full, lit_by in lights:
        thing.data.energy = full * shot[lit_by]
        if not shot[lit_by]:
            thing.hide_render = True
    with tempfile.TemporaryDirectory() as folder:
        bpy.context.scene.render.filepath = str(Path(folder, "seen.exr"))
        bpy.context.scene.cycles.seed = shot["seed"]
        bpy.ops.render.render(write_still=True)
        (written,) = Path(folder).glob("*.exr")
        channels = {name: c for part in OpenEXR.File(str(written)).parts for name, c in part.channels.items()}
        light = next(c.pixels for name, c in channels.items() if "Combined" in name)
        labels = next(c.pixels for name, c in channels.items() if "Index" in name)
        return np.array(light[..., :3], np.float32), np.rint(np.array(labels)).astype(np.int32)


def answer(request):
    """Render every shot of one scene into one file."""
    built = build(request["scene"])
    settle(request["samples"], request["bounces"], request["threads"], 0)
    seen = {}
    for index, shot in enumerate(request["shots"]):
        seen[f"light{index}"], seen[f"labels{index}"] = take(shot, *built)
    np.savez(request["out"], **seen)
    return {"done": request["out"]}


def main():
    """Answer requests until stdin ends; what Blender says goes to stderr."""
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    for line in sys.stdin:
        try:
            reply = answer(json.loads(line))
        except Exception as error:  # the worker lives on; whoever asked decides
            reply = {"error": f"{type(error).__name__}: {error}"}
        replies.write(json.dumps(reply) + "\n")


if __name__ == "__main__":
    main()
